// SPDX-License-Identifier: Apache-2.0
// ReportDelivery: sends reports to their hooks, each until the hook has answered with a 2xx.
//
// One per worker, owned by its AnswerReports, on its thread. A hook that is slow or gone delays its own reports alone:
// each has a queue, and a limit of reports in flight (kMaxReportsInFlight). A report that has failed waits in the
// journal, and only its place there in memory. Without a journal it waits in memory, and is lost when the daemon ends.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "answers/hook.h"
#include "answers/limits.h"
#include "answers/report.h"
#include "base/intrusive_list.h"
#include "metrics/counters.h"
#include "metrics/single_writer_value.h"
#include "ring/timer_wheel.h"
#include "upstream/http_client.h"

namespace streaming {

// A report in a file that another process has left.
struct AdoptedReport {
  ReportId id{};
  std::string hook;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  WallTime due{};
  bool was_running = false;  // the answer had not ended
};

class ReportDelivery final : private TimerOwner, private WorkOwner {
 public:
  // Takes a report that is given up, and later calls settle() with it; it stays in the journal until then.
  using GiveUp = std::function<void(Report report)>;

  // Borrows all of them. `journals`: null if there are none; then `give_up` is not used.
  ReportDelivery(TimerWheel& timers, HttpClient& http, Counters& counters, Journals* journals, GiveUp give_up = {});
  ~ReportDelivery();

  // Applies to what is sent from now on.
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  bool knows(std::string_view hook) const { return hooks_.contains(hook); }

  // Sends it, not from within.
  void add(Report report);
  // Sends what is in a segment of the journal of waiting reports, with a pin for each.
  void add(Segment& segment, std::vector<AdoptedReport> reports);

  // A report that was given up is in a file, or cannot be written to one: then it is sent again after the last pause.
  void settle(Report report, bool in_file);

  // There will be no more answers: what is in the journal is left to the next process.
  void leave_rest();
  // Nothing is sent from kLastReportsTimeout on.
  void end();

  // Whether nothing is being sent or about to be.
  bool idle() const { return over_ || (in_flight_ == 0 && given_up_ == 0 && storing_.empty() && (due_ == 0 || leaving_)); }

  // Reports that were not delivered yet. Any thread.
  std::uint64_t waiting() const { return waiting_.get(); }

 private:
  class Sending;
  class Storing;

  // One of the two: a place in the journal, pinned, or the report itself.
  struct Entry {
    FramePlace place;
    std::unique_ptr<Report> held;
  };
  struct Queue {
    std::deque<Entry> due;
    std::uint32_t in_flight = 0;
    std::uint64_t failures = 0;  // since the last complaint
    Time complained{Duration(-kHookComplaintPause)};
  };
  struct Later {
    Time due;
    Queue* queue;
    Entry entry;
  };
  static constexpr std::size_t kAdopted = kReportPauses.size();
  static constexpr std::size_t kUnread = kAdopted + 1;

  void on_work(Work& work) override;
  void on_timer(Timer& timer) override;
  void send_due(Queue& queue);
  // From within its transfer's call, or a timer's; `failure` is empty if the hook has taken it.
  void finish(Sending& sending, std::string_view failure);
  void read_later(Sending& sending, const FramePlace& place);
  void end_sending(Sending& sending);
  void fail(Report report, std::string_view failure);
  void complain(const Report& report, std::string_view failure);
  void give_up_on(Report report, std::string_view reason);
  void lose(Report& report, std::string_view reason);
  // Into the journal, if there is one. `level`: of later_; kDueNow: it is due.
  void put_away(Report report, std::size_t level);
  void put_away_as(Entry entry, Queue& queue, std::size_t level);
  // Its places in the journals are not needed any more.
  void release(Report& report);
  // It has ended, one way or another.
  void forget(Report& report);
  void hold(std::size_t bytes) { bytes_held_ += bytes; }
  void let_go(std::size_t bytes);
  void schedule_retries();
  void stop();

  TimerWheel& timers_;
  HttpClient& http_;
  Counters& counters_;
  Journals* const journals_;
  const GiveUp give_up_;
  Hooks hooks_;
  std::map<std::string, Queue, std::less<>> queues_;  // by hook
  // By failures, each in the order of its times; then those of other processes, and those that the disk has not given.
  std::array<std::deque<Later>, kUnread + 1> later_;
  IntrusiveList<Sending> sending_;
  IntrusiveList<Sending> finished_;
  IntrusiveList<Storing> storing_;
  IntrusiveList<Storing> stored_;
  std::size_t in_flight_ = 0;
  std::size_t due_ = 0;
  std::size_t given_up_ = 0;  // and not settled
  std::size_t bytes_held_ = 0;
  SingleWriterValue waiting_;
  Time unread_noted_{Duration(-kHookComplaintPause)};  // in the log
  bool leaving_ = false;  // nothing that is in the journal is sent any more
  bool over_ = false;     // nothing at all is
  Work work_{*this};      // something is due, or finished
  Timer retry_{*this};
  Timer last_{*this};
};

}  // namespace streaming
