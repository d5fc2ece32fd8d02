// SPDX-License-Identifier: Apache-2.0
// RunCancellations: requests that end runs whose clients have left. Nobody reads their answers.
//
// Owned by its backend, on the worker's thread: it outlives the sessions that the runs belong to. It is bounded in
// number (kMaxRunCancellations) and in time (kGoodbyeTimeout).

#pragma once

#include <cstddef>
#include <memory>

#include "base/intrusive_list.h"
#include "ring/timer_wheel.h"
#include "upstream/http_client.h"

namespace streaming {

class RunCancellations final : private WorkOwner {
 public:
  // Borrows both.
  RunCancellations(HttpClient& http, TimerWheel& timers);
  ~RunCancellations();

  // May be called from within a call of the client's.
  void add(HttpRequest request);

  bool empty() const { return count_ == 0; }

 private:
  class Cancellation;

  void on_work(Work& work) override;
  // From within its transfer's call, or a timer's.
  void finish(Cancellation& cancellation);

  HttpClient& http_;
  TimerWheel& timers_;
  Work work_;  // something waits to be sent, or to be freed
  IntrusiveList<Cancellation> waiting_;
  IntrusiveList<Cancellation> sent_;
  IntrusiveList<Cancellation> finished_;
  std::size_t count_ = 0;
};

}  // namespace streaming
