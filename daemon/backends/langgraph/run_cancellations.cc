// SPDX-License-Identifier: Apache-2.0
#include "backends/langgraph/run_cancellations.h"

#include <utility>

#include "backends/limits.h"
#include "base/check.h"
#include "base/log.h"

namespace streaming {

class RunCancellations::Cancellation final : public ListNode, private HttpReceiver, private TimerOwner {
 public:
  Cancellation(RunCancellations& owner, HttpRequest request)
      : owner_(owner), request_(std::move(request)), patience_(*this) {
    owner_.timers_.schedule(patience_, kGoodbyeTimeout);
  }

  void send() {
    CHECK(transfer_ == nullptr);
    transfer_ = owner_.http_.start(std::move(request_), *this);
  }

 private:
  void on_head(const HttpHead& head) override {
    constexpr int kNoLongerThere = 404;
    constexpr int kConflict = 409;  // it has ended in the meantime
    if (head.status >= 300 && head.status != kNoLongerThere && head.status != kConflict) {
      log::warn("a run could not be cancelled: status {}", head.status);
    }
  }
  void on_body(std::string_view) override {}
  void on_finished(std::string_view error) override {
    if (!error.empty()) log::warn("a run could not be cancelled: {}", error);
    owner_.finish(*this);
  }
  void on_timer(Timer&) override {
    log::warn("a run could not be cancelled: no answer in {} ms", kGoodbyeTimeout.count());
    owner_.finish(*this);
  }

  RunCancellations& owner_;
  HttpRequest request_;
  Timer patience_;
  std::unique_ptr<HttpTransfer> transfer_;
};

RunCancellations::RunCancellations(HttpClient& http, TimerWheel& timers) : http_(http), timers_(timers), work_(*this) {
}

RunCancellations::~RunCancellations() {
  for (IntrusiveList<Cancellation>* list : {&waiting_, &sent_, &finished_}) {
    while (Cancellation* cancellation = list->pop_front()) delete cancellation;
  }
}

void RunCancellations::add(HttpRequest request) {
  if (count_ == kMaxRunCancellations) {
    log::warn("a run could not be cancelled: {} others are being cancelled", count_);
    return;
  }
  ++count_;
  waiting_.push_back(*new Cancellation(*this, std::move(request)));
  timers_.soon(work_);
}

void RunCancellations::finish(Cancellation& cancellation) {
  cancellation.unlink();
  finished_.push_back(cancellation);
  timers_.soon(work_);
}

void RunCancellations::on_work(Work&) {
  while (Cancellation* cancellation = finished_.pop_front()) {
    delete cancellation;
    CHECK(count_ > 0);
    --count_;
  }
  while (Cancellation* cancellation = waiting_.pop_front()) {
    sent_.push_back(*cancellation);
    cancellation->send();
  }
}

}  // namespace streaming
