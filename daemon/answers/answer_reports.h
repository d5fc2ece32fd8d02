// SPDX-License-Identifier: Apache-2.0
// AnswerReports: a worker's reports of ended answers, for hand-offs that name a hook (on_end).
//
// Owned by its worker, on its thread; outlives the worker's streams.

#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "answers/hook.h"
#include "answers/report_delivery.h"
#include "answers/reported_session.h"
#include "backends/backend.h"
#include "base/byte_budget.h"
#include "base/intrusive_list.h"
#include "config/config.h"
#include "handoff/refusal.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"
#include "upstream/http_client.h"

namespace streaming {

class AnswerReports final : private TimerOwner {
 public:
  // Borrows all but the settings, which have passed make_hooks(). `records` limits what all running answers have
  // collected. `journals`: null if reports are in memory alone. `give_up`: as ReportDelivery has it.
  AnswerReports(const Config& config, TimerWheel& timers, HttpClient& http, Counters& counters, ByteBudget& records,
                Journals* journals, ReportDelivery::GiveUp give_up = {});

  // Applies to the reports that are sent from now on.
  void reconfigure(const Config& config);

  // Why this hand-off's answer cannot be reported as it asks; nothing if it can.
  std::optional<Refusal> refusal_for(const HandoffRequest& request, std::string_view backend) const;

  // The backend's session, which is reported if the hand-off names a hook. `reported`: it then, otherwise null.
  std::unique_ptr<BackendSession> answer(Backend& backend, std::unique_ptr<HandoffRequest> request, EventSink& sink,
                                         const ReportedSession** reported = nullptr);

  ReportDelivery& delivery() { return delivery_; }
  const ReportDelivery& delivery() const { return delivery_; }

  // For the sessions.
  TimerWheel& timers() { return timers_; }
  ByteBudget& records() { return records_; }
  Counters& counters() { return counters_; }
  // Null if there is none.
  Journal* journal() { return journals_ == nullptr ? nullptr : &journals_->answers(); }
  // The session has text that is not in the journal. Not while it is linked.
  void write_text_later(ReportedSession& session);

 private:
  void on_timer(Timer&) override;

  TimerWheel& timers_;
  Counters& counters_;
  ByteBudget& records_;
  Journals* const journals_;
  ReportDelivery delivery_;
  IntrusiveList<ReportedSession> with_text_;  // that is not in the journal, in the order in which it came
  Timer text_timer_{*this};
};

}  // namespace streaming
