// SPDX-License-Identifier: Apache-2.0
// A point in monotonic time by which something must be done. A value; lives on the stack of the waiting function. Pure.

#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>

namespace socket_handoff {

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds time_allowed) : end_(now() + time_allowed) {}

  std::chrono::microseconds remaining() const { return std::max(end_ - now(), std::chrono::microseconds::zero()); }
  bool has_passed() const { return remaining().count() == 0; }

  // For poll(). Rounded up: a wait of less than a millisecond is not a busy loop.
  int remaining_ms() const { return static_cast<int>((remaining().count() + 999) / 1000); }

 private:
  // Not std::chrono::steady_clock, whose now() would make the module need libstdc++.so.
  static std::chrono::microseconds now() {
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::chrono::microseconds(time.tv_sec * 1'000'000LL + time.tv_nsec / 1'000);
  }

  std::chrono::microseconds end_;
};

}  // namespace socket_handoff
