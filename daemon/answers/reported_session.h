// SPDX-License-Identifier: Apache-2.0
// ReportedSession: stands between a backend's session and the sink of its answer, collects what the report needs, and
// writes it to the journal. The sink gets the end of the answer when the journal has the report.
//
// Belongs to the stream, on the worker's thread; only hand-offs that name a hook have one. Its AnswerReports outlives
// it, which has it in a list while it has text that is not in the journal.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "answers/answer_record.h"
#include "answers/answer_report.h"
#include "answers/journal.h"
#include "answers/report.h"
#include "backends/wrapping/wrapping_session.h"
#include "base/clock.h"
#include "base/intrusive_list.h"
#include "ring/timer_wheel.h"

namespace streaming {

class AnswerReports;

class ReportedSession final : public WrappingSession, public ListNode, private TimerOwner, private StoreOwner {
 public:
  // `beginning` of the report.
  ReportedSession(AnswerReports& reports, std::string hook, std::string beginning, EventSink& sink);

  // Within AnswerReports::answer().
  void begin_with(Backend& backend, std::unique_ptr<HandoffRequest> request);

  void on_answer_end(CloseCause cause) override;
  void on_stream_end(bool client_has_end) override;

  // Until the answer has ended.
  const ReportId& report_id() const { return report_.id; }
  const std::string& hook() const { return report_.hook; }
  const std::string& beginning() const { return beginning_; }

  // When the oldest text came that is not in the journal.
  Time text_since() const { return text_since_; }
  void write_text();

 private:
  // A part of the answer's texts that the journal has, in bytes.
  struct Written {
    std::uint32_t text = 0;
    std::uint32_t reasoning = 0;
  };

  void on_event(const AnswerEvent& event) override;
  void on_usage(const Usage& usage) override;
  void on_end(FinishReason reason) override;
  void on_failure(const BackendFailure& failure) override;
  void on_cancel() override { end_of_sink_ = nullptr; }
  void on_timer(Timer&) override { deliver(); }
  void on_stored(StoreTicket& ticket, bool stored) override;

  // The journal has it at the turn's end, and calls back.
  void end(CloseCause cause, std::optional<FinishReason> reason = std::nullopt);
  void end_sink_when_stored(std::function<void(EventSink&)> end_of_sink);
  void write_part(const std::string& all, std::uint32_t& written, bool reasoning);
  void deliver();

  AnswerReports& reports_;
  Report report_;          // its body is empty until the answer has ended
  std::string beginning_;  // of the body
  const Time began_;
  std::optional<Time> first_event_;
  Time text_since_{};
  Written written_;
  AnswerRecord record_;
  bool ended_ = false;
  std::optional<bool> client_has_end_;
  std::function<void(EventSink&)> end_of_sink_;  // while it waits for the journal
  StoreTicket ticket_{*this};
  Timer patience_{*this};  // for the client, from the answer's end until the report is delivered
};

}  // namespace streaming
