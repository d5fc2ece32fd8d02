// SPDX-License-Identifier: Apache-2.0
// RecordingSink: an EventSink that keeps the calls it gets.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace streaming {

struct RecordingSink final : EventSink {
  // An AnswerEvent that owns its texts.
  struct Event {
    AnswerEvent::Kind kind;
    std::uint32_t index;
    std::string text, id, name;
    bool operator==(const Event&) const = default;
  };

  void on_event(const AnswerEvent& event) override {
    events.push_back(
        {event.kind, event.index, std::string(event.text), std::string(event.id), std::string(event.name)});
    if (at_event) at_event();
  }
  void on_usage(const Usage& new_usage) override { usage = new_usage; }
  void on_end(FinishReason reason) override {
    ++ends;
    finish_reason = reason;
  }
  void on_failure(const BackendFailure& new_failure) override {
    failure = new_failure.kind;
    detail = new_failure.detail;
    status = new_failure.status;
    retry_after_seconds = new_failure.retry_after_seconds;
  }
  bool wants_upstream_events() const override { return wants_upstream; }
  std::string stream_id() const override { return "0.1.2"; }

  // The texts of all events of that kind, joined.
  std::string all(AnswerEvent::Kind kind) const {
    std::string all;
    for (const Event& event : events) {
      if (event.kind == kind) all += event.text;
    }
    return all;
  }
  std::string all_text() const { return all(AnswerEvent::Kind::kText); }
  std::size_t count(AnswerEvent::Kind kind) const {
    std::size_t count = 0;
    for (const Event& event : events) count += event.kind == kind;
    return count;
  }

  std::function<void()> at_event;  // what it does within each event
  bool wants_upstream = false;
  std::vector<Event> events;
  Usage usage;
  int ends = 0;
  FinishReason finish_reason = FinishReason::kOther;
  std::optional<FailureKind> failure;
  std::string detail;
  int status = 0;
  int retry_after_seconds = 0;
};

}  // namespace streaming
