// SPDX-License-Identifier: Apache-2.0
#include "answers/report_delivery.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "base/log.h"

namespace streaming {
namespace {

constexpr std::size_t kDueNow = kReportPauses.size() + 2;

HttpRequest request_for(const Report& report, const Hook& hook) {
  const std::string id = webhook_id(report.id);
  const std::string timestamp = std::to_string(std::time(nullptr));
  return HttpRequest{.url = hook.url,
                     .headers = {"Content-Type: application/json", "User-Agent: " + hook.user_agent,
                                 "Accept-Encoding: identity", "webhook-id: " + id, "webhook-timestamp: " + timestamp,
                                 "webhook-signature: " + hook.keys.sign(id, timestamp, report.body)},
                     .body = report.body,
                     .unix_socket = hook.socket,
                     .ca_file = hook.ca_file,
                     .insecure_ssl = hook.insecure_ssl};
}

}  // namespace

// --- What is in progress --------------------------------------------------------------------------------------------

// One report on its way: first it may have to be read, then its hook is asked.
class ReportDelivery::Sending final : public ListNode, private ReportReceiver, private HttpReceiver, private TimerOwner {
 public:
  Sending(ReportDelivery& owner, Queue& its_queue) : queue(its_queue), owner_(owner), patience_(*this) {}
  ~Sending() { abandon(); }

  void send(Report to_send) {
    report = std::move(to_send);
    const auto hook = owner_.hooks_.find(report.hook);
    if (hook == owner_.hooks_.end()) return end("the settings have no such hook any more");
    owner_.timers_.schedule(patience_, hook->second.timeout);
    transfer_ = owner_.http_.start(request_for(report, hook->second), *this);
  }
  void read(const FramePlace& place) {
    place_ = place;
    read_ = owner_.journals_->read(place, *this);
  }
  // The hook's answer is not waited for any more.
  void abandon() {
    patience_.stop();
    transfer_.reset();
    if (read_) owner_.journals_->forget(*std::exchange(read_, std::nullopt));
  }

  Report report;
  Queue& queue;

 private:
  void on_report(const std::optional<Frame>& frame) override {
    read_.reset();
    const auto content = frame ? read_report(frame->content) : std::nullopt;
    if (!content || frame->type != FrameType::kReport) return owner_.read_later(*this, place_);
    Report found{.id = frame->id,
                 .hook = std::string(content->hook),
                 .body = std::string(content->body),
                 .failures = content->failures,
                 .in_waiting = place_.segment};
    owner_.hold(found.bytes());
    send(std::move(found));
  }
  void on_head(const HttpHead& head) override {
    transfer_->let_finish();
    end(head.status / 100 == 2 ? std::string() : "status " + std::to_string(head.status));
  }
  void on_body(std::string_view) override {}
  void on_finished(std::string_view error) override { end(error.empty() ? "no answer" : std::string(error)); }
  // The answer may come before this is freed.
  void on_timer(Timer&) override {
    abandon();
    end("no answer in time");
  }

  void end(const std::string& failure) {
    patience_.stop();
    owner_.finish(*this, failure);
  }

  ReportDelivery& owner_;
  Timer patience_;
  std::unique_ptr<HttpTransfer> transfer_;
  FramePlace place_;  // where it is read
  std::optional<Handle> read_;
};

// One report on its way into the journal.
class ReportDelivery::Storing final : public ListNode, private StoreOwner {
 public:
  Storing(ReportDelivery& owner, Report to_store, std::size_t its_level, WallTime due)
      : owner_(owner), report_(std::move(to_store)), level_(its_level) {
    place_ = owner_.journals_->waiting().append(
        append_report, report_.id,
        ReportContent{.failures = report_.failures, .due = due, .hook = report_.hook, .body = report_.body}, &ticket_);
    if (!place_) owner_.timers_.soon(owner_.work_);
  }

  bool failed() const { return !place_; }
  // When the journal has it, or does not take it.
  void finish(bool is_stored) {
    unlink();
    owner_.stored_.push_back(*this);
    owner_.timers_.soon(owner_.work_);
    Queue& queue = owner_.queues_[report_.hook];
    if (!is_stored && place_) owner_.journals_->waiting().unpin(place_->segment);
    if (!is_stored && owner_.bytes_held_ > kMaxReportBytesHeld) {
      return owner_.lose(report_, "the journal cannot be written, and too many others wait");
    }
    if (!is_stored) {
      return owner_.put_away_as({.place = {}, .held = std::make_unique<Report>(std::move(report_))}, queue, level_);
    }
    owner_.release(report_);
    owner_.let_go(report_.bytes());
    owner_.put_away_as({.place = *place_, .held = nullptr}, queue, level_);
  }

 private:
  void on_stored(StoreTicket&, bool is_stored) override { finish(is_stored); }

  ReportDelivery& owner_;
  Report report_;
  const std::size_t level_;
  StoreTicket ticket_{*this};
  std::optional<FramePlace> place_;
};

ReportDelivery::ReportDelivery(TimerWheel& timers, HttpClient& http, Counters& counters, Journals* journals,
                               GiveUp give_up)
    : timers_(timers), http_(http), counters_(counters), journals_(journals), give_up_(std::move(give_up)) {
}

ReportDelivery::~ReportDelivery() {
  if (waiting() > 0 && journals_ != nullptr) {
    log::info("{} reports of answers wait in the journal for the next start", waiting());
  } else if (waiting() > 0) {
    log::error("{} reports of answers are lost: the daemon ends", waiting());
  }
  for (IntrusiveList<Sending>* list : {&sending_, &finished_}) {
    while (Sending* sending = list->pop_front()) delete sending;
  }
  for (IntrusiveList<Storing>* list : {&storing_, &stored_}) {
    while (Storing* storing = list->pop_front()) delete storing;
  }
}

// --- Sending --------------------------------------------------------------------------------------------------------

void ReportDelivery::add(Report report) {
  waiting_.add();
  hold(report.bytes());
  if (waiting() > kMaxReportsWaiting) return give_up_on(std::move(report), "too many others wait");
  if (bytes_held_ > kMaxReportBytesHeld) return put_away(std::move(report), kDueNow);
  Queue& queue = queues_[report.hook];
  put_away_as({.place = {}, .held = std::make_unique<Report>(std::move(report))}, queue, kDueNow);
}

void ReportDelivery::add(Segment& segment, std::vector<AdoptedReport> reports) {
  waiting_.add(reports.size());
  const WallTime now = wall_now();
  for (const AdoptedReport& report : reports) {
    const FramePlace place{&segment, report.bytes, report.offset};
    later_[kAdopted].push_back({timers_.now() + std::max(report.due - now, Duration(0)), &queues_[report.hook],
                                {.place = place, .held = nullptr}});
  }
  std::stable_sort(later_[kAdopted].begin(), later_[kAdopted].end(),
                   [](const Later& left, const Later& right) { return left.due < right.due; });
  schedule_retries();
}

void ReportDelivery::leave_rest() {
  if (journals_ == nullptr || std::exchange(leaving_, true)) return;
  end();
}

void ReportDelivery::end() {
  if (!over_ && !last_.pending()) timers_.schedule(last_, kLastReportsTimeout);
}

void ReportDelivery::stop() {
  over_ = true;
  while (Sending* sending = sending_.pop_front()) {
    sending->abandon();
    finished_.push_back(*sending);
  }
  timers_.soon(work_);
}

void ReportDelivery::on_work(Work&) {
  while (Sending* sending = finished_.pop_front()) delete sending;
  while (Storing* storing = stored_.pop_front()) delete storing;
  if (over_ || leaving_) return;
  for (auto& [hook, queue] : queues_) send_due(queue);
}

void ReportDelivery::send_due(Queue& queue) {
  while (!queue.due.empty() && queue.in_flight < kMaxReportsInFlight) {
    Entry entry = std::move(queue.due.front());
    queue.due.pop_front();
    --due_;
    ++queue.in_flight;
    ++in_flight_;
    auto* sending = new Sending(*this, queue);
    sending_.push_back(*sending);
    entry.held != nullptr ? sending->send(std::move(*entry.held)) : sending->read(entry.place);
  }
}

void ReportDelivery::end_sending(Sending& sending) {
  sending.unlink();
  finished_.push_back(sending);
  timers_.soon(work_);
  CHECK(sending.queue.in_flight > 0 && in_flight_ > 0);
  --sending.queue.in_flight;
  --in_flight_;
}

// The disk may do better later, or with the next process.
void ReportDelivery::read_later(Sending& sending, const FramePlace& place) {
  end_sending(sending);
  if (timers_.now() - unread_noted_ >= kHookComplaintPause) {
    log::error("reports cannot be read from the journal; they stay there, and are read again every {} s",
               kUnreadReportPause.count() / 1000);
    unread_noted_ = timers_.now();
  }
  later_[kUnread].push_back({timers_.now() + kUnreadReportPause, &sending.queue, {.place = place, .held = nullptr}});
  schedule_retries();
}

void ReportDelivery::finish(Sending& sending, std::string_view failure) {
  end_sending(sending);
  if (!failure.empty()) return fail(std::move(sending.report), failure);
  counters_.add(Counter::kReportsDelivered);
  forget(sending.report);
}

// --- Failing --------------------------------------------------------------------------------------------------------

void ReportDelivery::fail(Report report, std::string_view failure) {
  counters_.add(Counter::kReportFailures);
  complain(report, failure);
  if (report.failures == kReportPauses.size()) return give_up_on(std::move(report), failure);
  const std::size_t level = report.failures++;
  put_away(std::move(report), level);
}

// One line for many: a hook that is gone fails a thousand times a second.
void ReportDelivery::complain(const Report& report, std::string_view failure) {
  Queue& queue = queues_[report.hook];
  ++queue.failures;
  if (timers_.now() - queue.complained < kHookComplaintPause) return;
  log::warn("hook {} has not taken {} reports since the last such line; the last, {}: {}", report.hook, queue.failures,
            webhook_id(report.id), failure);
  queue.complained = timers_.now();
  queue.failures = 0;
}

void ReportDelivery::give_up_on(Report report, std::string_view reason) {
  if (journals_ == nullptr || !give_up_) return lose(report, reason);
  log::error("report {} to hook {} is given up: {}", webhook_id(report.id), report.hook, reason);
  ++given_up_;
  give_up_(std::move(report));
}

void ReportDelivery::settle(Report report, bool in_file) {
  CHECK(given_up_ > 0);
  --given_up_;
  if (!in_file) return put_away(std::move(report), kReportPauses.size() - 1);
  counters_.add(Counter::kReportsUndelivered);
  forget(report);
}

void ReportDelivery::lose(Report& report, std::string_view reason) {
  log::error("report {} to hook {} is lost: {}", webhook_id(report.id), report.hook, reason);
  counters_.add(Counter::kReportsLost);
  forget(report);
}

void ReportDelivery::release(Report& report) {
  if (report.in_answers != nullptr) journals_->answers().unpin(report.in_answers);
  if (report.in_waiting != nullptr) journals_->waiting().unpin(report.in_waiting);
}

void ReportDelivery::forget(Report& report) {
  // Both, because the other one may still have it from before.
  if (journals_ != nullptr) journals_->answers().note(append_done, report.id);
  if (report.in_waiting != nullptr) journals_->waiting().note(append_done, report.id);
  release(report);
  let_go(report.bytes());
  CHECK(waiting() > 0);
  waiting_.set(waiting() - 1);
}

void ReportDelivery::let_go(std::size_t bytes) {
  CHECK(bytes_held_ >= bytes);
  bytes_held_ -= bytes;
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void ReportDelivery::put_away(Report report, std::size_t level) {
  if (journals_ == nullptr && bytes_held_ > kMaxReportBytesHeld) return lose(report, "too many others wait");
  if (journals_ == nullptr) {
    Queue& queue = queues_[report.hook];
    return put_away_as({.place = {}, .held = std::make_unique<Report>(std::move(report))}, queue, level);
  }
  const Duration pause = level < kReportPauses.size() ? kReportPauses[level] : Duration(0);
  auto* storing = new Storing(*this, std::move(report), level, wall_now() + pause);
  storing_.push_back(*storing);
  if (storing->failed()) storing->finish(false);
}

void ReportDelivery::put_away_as(Entry entry, Queue& queue, std::size_t level) {
  if (level == kDueNow) {
    ++due_;
    queue.due.push_back(std::move(entry));
    return timers_.soon(work_);
  }
  later_[level].push_back({timers_.now() + kReportPauses[level], &queue, std::move(entry)});
  schedule_retries();
}

void ReportDelivery::schedule_retries() {
  for (const std::deque<Later>& later : later_) {
    if (later.empty() || (retry_.pending() && retry_.expiry() <= later.front().due)) continue;
    timers_.schedule_at(retry_, later.front().due);
  }
}

void ReportDelivery::on_timer(Timer& timer) {
  if (&timer == &last_) return stop();
  for (std::deque<Later>& later : later_) {
    while (!later.empty() && later.front().due <= timers_.now()) {
      ++due_;
      later.front().queue->due.push_back(std::move(later.front().entry));
      later.pop_front();
    }
  }
  schedule_retries();
  timers_.soon(work_);
}

}  // namespace streaming
