// SPDX-License-Identifier: Apache-2.0
// AnswerReports: a worker's reports of ended answers, for hand-offs that name a hook (on_end).
//
// Owned by its worker, on its thread; outlives the worker's streams.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "answers/hook.h"
#include "answers/report_delivery.h"
#include "backends/backend.h"
#include "base/byte_budget.h"
#include "config/config.h"
#include "handoff/refusal.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"
#include "upstream/http_client.h"

namespace streaming {

class AnswerReports {
 public:
  // Borrows all but the settings, which have passed make_hooks(). `records` limits what all running answers have
  // collected.
  AnswerReports(const Config& config, TimerWheel& timers, HttpClient& http, Counters& counters, ByteBudget& records);

  // Applies to the reports that are sent from now on.
  void reconfigure(const Config& config);

  // Why this hand-off's answer cannot be reported as it asks; nothing if it can.
  std::optional<Refusal> refusal_for(const HandoffRequest& request, std::string_view backend) const;

  // The backend's session, which is reported if the hand-off names a hook.
  std::unique_ptr<BackendSession> answer(Backend& backend, std::unique_ptr<HandoffRequest> request, EventSink& sink);

  // What the hooks do not take soon is lost.
  void end() { delivery_.end(); }
  bool idle() const { return delivery_.idle(); }

  const ReportDelivery& delivery() const { return delivery_; }

  // For the sessions.
  TimerWheel& timers() { return timers_; }
  ByteBudget& records() { return records_; }
  void deliver(std::string hook, std::string report);

 private:
  TimerWheel& timers_;
  Counters& counters_;
  ByteBudget& records_;
  ReportDelivery delivery_;
};

}  // namespace streaming
