// SPDX-License-Identifier: Apache-2.0
// Histogram: how often something took how long. One thread writes it and any may read it; a reader may see an
// observation in part.

#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "metrics/single_writer_value.h"

namespace streaming {

// In microseconds, each the most that its bucket holds. Among them are the bounds that Prometheus' clients have by
// default, which existing dashboards and alerts name. The next one is at most twice as far, and half as far again from
// 10 ms on, so that a quantile that is interpolated is near.
inline constexpr std::array<std::int64_t, 17> kHandoffBoundsUs{50,     100,    200,     500,     1000,      2000,
                                                               5000,   10'000, 25'000,  50'000,  100'000,   250'000,
                                                               500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
inline constexpr std::array<std::int64_t, 39> kStreamBoundsUs{
    1000,       2000,       3500,       5000,        7500,        10'000,      15'000,      20'000,
    25'000,     35'000,     50'000,     75'000,      100'000,     150'000,     200'000,     250'000,
    350'000,    500'000,    750'000,    1'000'000,   1'500'000,   2'000'000,   2'500'000,   3'500'000,
    5'000'000,  6'000'000,  7'500'000,  10'000'000,  12'500'000,  15'000'000,  20'000'000,  30'000'000,
    45'000'000, 60'000'000, 90'000'000, 120'000'000, 180'000'000, 240'000'000, 300'000'000};

class Histogram {
 public:
  // Borrows the bounds, which ascend.
  explicit Histogram(std::span<const std::int64_t> bounds_us) : bounds_us_(bounds_us), counts_(bounds_us.size() + 1) {}

  void observe(std::chrono::microseconds duration) {
    const auto bound = std::lower_bound(bounds_us_.begin(), bounds_us_.end(), duration.count());
    counts_[static_cast<std::size_t>(bound - bounds_us_.begin())].add();
    sum_us_.add(static_cast<std::uint64_t>(duration.count()));
  }

  std::span<const std::int64_t> bounds_us() const { return bounds_us_; }
  // The observations of that bucket alone; one bucket more than there are bounds holds all beyond.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].get(); }
  std::uint64_t sum_us() const { return sum_us_.get(); }

 private:
  std::span<const std::int64_t> bounds_us_;
  std::vector<SingleWriterValue> counts_;
  SingleWriterValue sum_us_;
};

}  // namespace streaming
