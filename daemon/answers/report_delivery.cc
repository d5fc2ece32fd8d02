// SPDX-License-Identifier: Apache-2.0
#include "answers/report_delivery.h"

#include <ctime>
#include <memory>
#include <utility>

#include "base/log.h"

namespace streaming {
namespace {

std::size_t bytes_of(const Report& report) {
  return sizeof report + report.id.size() + report.hook.size() + report.body.size();
}

HttpRequest request_for(const Report& report, const Hook& hook) {
  const std::string timestamp = std::to_string(std::time(nullptr));
  return HttpRequest{.url = hook.url,
                     .headers = {"Content-Type: application/json", "User-Agent: " + hook.user_agent,
                                 "Accept-Encoding: identity", "webhook-id: " + report.id,
                                 "webhook-timestamp: " + timestamp,
                                 "webhook-signature: " + hook.keys.sign(report.id, timestamp, report.body)},
                     .body = report.body,
                     .unix_socket = hook.socket,
                     .ca_file = hook.ca_file,
                     .insecure_ssl = hook.insecure_ssl};
}

}  // namespace

class ReportDelivery::Sending final : public ListNode, private HttpReceiver, private TimerOwner {
 public:
  Sending(ReportDelivery& owner, Report to_send, const Hook& hook)
      : report(std::move(to_send)), owner_(owner), patience_(*this) {
    owner_.timers_.schedule(patience_, hook.timeout);
    transfer_ = owner_.http_.start(request_for(report, hook), *this);
  }

  // The hook's answer is not waited for any more.
  void abandon() {
    patience_.stop();
    transfer_.reset();
  }

  Report report;

 private:
  void on_head(const HttpHead& head) override {
    transfer_->let_finish();
    end(head.status / 100 == 2 ? std::string() : "status " + std::to_string(head.status));
  }
  void on_body(std::string_view) override {}
  void on_finished(std::string_view error) override { end(error.empty() ? "no answer" : std::string(error)); }
  void on_timer(Timer&) override { end("no answer in time"); }

  void end(const std::string& failure) {
    patience_.stop();
    owner_.finish(*this, failure);
  }

  ReportDelivery& owner_;
  Timer patience_;
  std::unique_ptr<HttpTransfer> transfer_;
};

ReportDelivery::ReportDelivery(TimerWheel& timers, HttpClient& http, Counters& counters)
    : timers_(timers), http_(http), counters_(counters) {
}

ReportDelivery::~ReportDelivery() {
  if (waiting() > 0) log::error("{} reports of answers are lost: the daemon ends", waiting());
  for (IntrusiveList<Sending>* list : {&sending_, &finished_}) {
    while (Sending* sending = list->pop_front()) delete sending;
  }
}

void ReportDelivery::add(Report report) {
  waiting_.add();
  bytes_held_ += bytes_of(report);
  if (bytes_held_ > kMaxReportBytesHeld) return lose(report, "too many others wait");
  ++due_;
  queues_[report.hook].due.push_back(std::move(report));
  timers_.soon(work_);
}

void ReportDelivery::end() {
  if (!over_ && !last_.pending()) timers_.schedule(last_, kLastReportsTimeout);
}

void ReportDelivery::give_up() {
  over_ = true;
  while (Sending* sending = sending_.pop_front()) {
    sending->abandon();
    finished_.push_back(*sending);
  }
  timers_.soon(work_);
}

void ReportDelivery::on_work(Work&) {
  while (Sending* sending = finished_.pop_front()) delete sending;
  if (over_) return;
  for (auto& [hook, queue] : queues_) send_due(hook, queue);
}

void ReportDelivery::send_due(const std::string& hook, Queue& queue) {
  const auto known = hooks_.find(hook);
  while (!queue.due.empty() && queue.in_flight < kMaxReportsInFlight) {
    Report report = std::move(queue.due.front());
    queue.due.pop_front();
    --due_;
    if (known == hooks_.end()) {
      fail(std::move(report), "the settings have no such hook any more");
      continue;
    }
    ++queue.in_flight;
    ++in_flight_;
    sending_.push_back(*new Sending(*this, std::move(report), known->second));
  }
}

void ReportDelivery::finish(Sending& sending, std::string_view failure) {
  sending.unlink();
  finished_.push_back(sending);
  timers_.soon(work_);
  Queue& queue = queues_[sending.report.hook];
  CHECK(queue.in_flight > 0 && in_flight_ > 0);
  --queue.in_flight;
  --in_flight_;
  if (!failure.empty()) return fail(std::move(sending.report), failure);
  counters_.add(Counter::kReportsDelivered);
  forget(sending.report);
}

void ReportDelivery::fail(Report report, std::string_view failure) {
  counters_.add(Counter::kReportFailures);
  complain(report.hook, failure, report);
  if (report.failures == kReportPauses.size()) return lose(report, "all tries have failed");
  const std::size_t level = report.failures++;
  later_[level].push_back({timers_.now() + kReportPauses[level], std::move(report)});
  schedule_retries();
}

// One line for many: a hook that is gone fails a thousand times a second.
void ReportDelivery::complain(const std::string& hook, std::string_view failure, const Report& report) {
  Queue& queue = queues_[hook];
  ++queue.failures;
  if (timers_.now() - queue.complained < kHookComplaintPause) return;
  log::warn("hook {} has not taken {} reports since the last such line; the last, {}: {}", hook, queue.failures,
            report.id, failure);
  queue.complained = timers_.now();
  queue.failures = 0;
}

void ReportDelivery::lose(const Report& report, std::string_view reason) {
  log::error("report {} to hook {} is lost: {}", report.id, report.hook, reason);
  counters_.add(Counter::kReportsLost);
  forget(report);
}

void ReportDelivery::forget(const Report& report) {
  CHECK(bytes_held_ >= bytes_of(report) && waiting_.get() > 0);
  bytes_held_ -= bytes_of(report);
  waiting_.set(waiting_.get() - 1);
}

void ReportDelivery::schedule_retries() {
  for (const std::deque<Later>& later : later_) {
    if (later.empty() || (retry_.pending() && retry_.expiry() <= later.front().due)) continue;
    timers_.schedule_at(retry_, later.front().due);
  }
}

void ReportDelivery::on_timer(Timer& timer) {
  if (&timer == &last_) return give_up();
  for (std::deque<Later>& later : later_) {
    while (!later.empty() && later.front().due <= timers_.now()) {
      ++due_;
      queues_[later.front().report.hook].due.push_back(std::move(later.front().report));
      later.pop_front();
    }
  }
  schedule_retries();
  timers_.soon(work_);
}

}  // namespace streaming
