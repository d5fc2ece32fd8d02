// SPDX-License-Identifier: Apache-2.0
#include "ring/blocking_calls.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "ring/limits.h"

namespace streaming {

BlockingCalls::~BlockingCalls() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    calls_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockingCalls::submit(Tag tag, std::function<std::int32_t()> call) {
  const std::lock_guard lock(mutex_);
  if (threads_.size() < kBlockingThreads) {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // there is no memory, or no thread, for another one
      if (threads_.empty()) return complete(tag, -ENOMEM);
    }
  }
  calls_.push_back({tag, std::move(call)});
  changed_.notify_one();
}

void BlockingCalls::cancel(Tag tag) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(calls_.begin(), calls_.end(), [tag](const Call& call) { return call.tag == tag; });
  if (found == calls_.end()) return;
  calls_.erase(found);
  complete(tag, -ECANCELED);
}

std::vector<Completion> BlockingCalls::take_completed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(completed_, {});
}

void BlockingCalls::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || !calls_.empty(); });
    if (ended_) return;
    const Call call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    const std::int32_t result = call.make();
    lock.lock();
    complete(call.tag, result);
  }
}

// With the mutex.
void BlockingCalls::complete(Tag tag, std::int32_t result) {
  completed_.push_back({.tag = tag, .result = result, .more = false, .buffer = {}});
  eventfd_write(wakeup_, 1);
}

}  // namespace streaming
