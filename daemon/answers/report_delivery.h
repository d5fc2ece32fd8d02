// SPDX-License-Identifier: Apache-2.0
// ReportDelivery: sends reports to their hooks, each until the hook has answered with a 2xx.
//
// One per worker, owned by its AnswerReports, on its thread. A hook that is slow or gone delays its own reports alone:
// each has a queue, and a limit of reports in flight (kMaxReportsInFlight).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "answers/hook.h"
#include "answers/limits.h"
#include "base/intrusive_list.h"
#include "metrics/counters.h"
#include "metrics/single_writer_value.h"
#include "ring/timer_wheel.h"
#include "upstream/http_client.h"

namespace streaming {

struct Report {
  std::string id;    // the same each time that it is sent
  std::string hook;  // its name
  std::string body;
  std::size_t failures = 0;
};

class ReportDelivery final : private TimerOwner, private WorkOwner {
 public:
  // Borrows all of them.
  ReportDelivery(TimerWheel& timers, HttpClient& http, Counters& counters);
  // What was not delivered is lost.
  ~ReportDelivery();

  // Applies to what is sent from now on.
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  bool knows(std::string_view hook) const { return hooks_.contains(hook); }

  // Sends it, not from within.
  void add(Report report);

  // Nothing is sent from kLastReportsTimeout on.
  void end();

  // Whether nothing is being sent or about to be.
  bool idle() const { return over_ || (in_flight_ == 0 && due_ == 0); }

  // Reports that were not delivered yet. Any thread.
  std::uint64_t waiting() const { return waiting_.get(); }

 private:
  class Sending;

  struct Queue {
    std::deque<Report> due;
    std::uint32_t in_flight = 0;
    std::uint64_t failures = 0;  // since the last complaint
    Time complained{Duration(-kHookComplaintPause)};
  };
  struct Later {
    Time due;
    Report report;
  };

  void on_work(Work& work) override;
  void on_timer(Timer& timer) override;
  void send_due(const std::string& hook, Queue& queue);
  // From within its transfer's call, or a timer's; `failure` is empty if the hook has taken it.
  void finish(Sending& sending, std::string_view failure);
  void fail(Report report, std::string_view failure);
  void complain(const std::string& hook, std::string_view failure, const Report& report);
  void lose(const Report& report, std::string_view reason);
  void forget(const Report& report);
  void schedule_retries();
  void give_up();

  TimerWheel& timers_;
  HttpClient& http_;
  Counters& counters_;
  Hooks hooks_;
  std::map<std::string, Queue, std::less<>> queues_;  // by hook
  std::array<std::deque<Later>, kReportPauses.size()> later_;  // by failures, each in the order of its times
  IntrusiveList<Sending> sending_;
  IntrusiveList<Sending> finished_;
  std::size_t in_flight_ = 0;
  std::size_t due_ = 0;
  std::size_t bytes_held_ = 0;
  SingleWriterValue waiting_;
  bool over_ = false;  // nothing is sent any more
  Work work_{*this};  // something is due, or finished
  Timer retry_{*this};
  Timer last_{*this};
};

}  // namespace streaming
