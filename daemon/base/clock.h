// SPDX-License-Identifier: Apache-2.0
// Monotonic time in whole milliseconds: the types Duration and Time, which cannot be mixed up with counts.
//
// A worker reads the clock once in each turn of its loop and passes the Time down; only the ring's wait needs
// nanoseconds.

#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace streaming {

using Duration = std::chrono::milliseconds;

struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;

  static std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  }
  static time_point now() { return time_point(Duration(now_ns() / 1'000'000)); }
};

using Time = MonotonicClock::time_point;

}  // namespace streaming
