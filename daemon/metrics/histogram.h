// SPDX-License-Identifier: Apache-2.0
// Histogram: counts durations by length. One thread writes it and any may read it; a reader may see a part of an
// observation.

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

// Upper bounds of the buckets, in microseconds. They include the default bounds of Prometheus' clients, which existing
// dashboards and alerts name. Those for streams grow by a factor of 2 at most, and by about 1.5 from 10 ms on, so that
// interpolated quantiles are close.
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
  // The observations in this bucket only. The last bucket, after all bounds, has those beyond them.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].get(); }
  std::uint64_t sum_us() const { return sum_us_.get(); }

 private:
  std::span<const std::int64_t> bounds_us_;
  std::vector<SingleWriterValue> counts_;
  SingleWriterValue sum_us_;
};

}  // namespace streaming
