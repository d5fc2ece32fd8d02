// SPDX-License-Identifier: Apache-2.0
// BlockingCalls: makes system calls that may block in a few threads of its own, for a ring that cannot leave them to
// the kernel.
//
// One for each EpollRing, owned by it and used on its thread. It starts its threads with the first calls. The memory
// that a call uses must stay in place until it has completed. The destructor waits for the calls that have begun.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ring/ring.h"

namespace streaming {

class BlockingCalls {
 public:
  // Borrows the eventfd, which is written when a call has completed.
  explicit BlockingCalls(int wakeup) : wakeup_(wakeup) {}
  ~BlockingCalls();
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  // `call` returns the completion's result.
  void submit(Tag tag, std::function<std::int32_t()> call);
  // Completes the call with -ECANCELED if it has not begun; otherwise it completes by itself.
  void cancel(Tag tag);
  // Those that have completed since the last call.
  std::vector<Completion> take_completed();

 private:
  struct Call {
    Tag tag;
    std::function<std::int32_t()> make;
  };

  void serve();
  void complete(Tag tag, std::int32_t result);

  const int wakeup_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> calls_;
  std::vector<Completion> completed_;
  bool ended_ = false;
};

}  // namespace streaming
