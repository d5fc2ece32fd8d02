// SPDX-License-Identifier: Apache-2.0
// ReportedSession: stands between a backend's session and the sink of its answer, and collects what the report needs.
//
// Belongs to the stream, on the worker's thread; only hand-offs that name a hook have one. Its AnswerReports outlives
// it.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "answers/answer_record.h"
#include "answers/answer_report.h"
#include "backends/wrapping/wrapping_session.h"
#include "base/clock.h"
#include "ring/timer_wheel.h"

namespace streaming {

class AnswerReports;

class ReportedSession final : public WrappingSession, private TimerOwner {
 public:
  // `beginning` of the report.
  ReportedSession(AnswerReports& reports, std::string hook, std::string beginning, EventSink& sink);

  // Both within AnswerReports::answer().
  void begin_with(Backend& backend, std::unique_ptr<HandoffRequest> request);

  void on_answer_end(CloseCause cause) override;
  void on_stream_end(bool client_has_end) override;

 private:
  void on_event(const AnswerEvent& event) override;
  void on_usage(const Usage& usage) override;
  void on_end(FinishReason reason) override;
  void on_failure(const BackendFailure& failure) override;
  void on_cancel() override {}
  void on_timer(Timer&) override { deliver(std::nullopt); }

  void deliver(std::optional<bool> client_has_end);
  void end(CloseCause cause, std::optional<FinishReason> reason = std::nullopt);

  AnswerReports& reports_;
  std::string hook_;
  std::string beginning_;
  std::string report_;  // from the answer's end until it is delivered
  bool ended_ = false;
  Timer patience_{*this};  // for the client
  const Time began_;
  std::optional<Time> first_event_;
  AnswerRecord record_;
};

}  // namespace streaming
