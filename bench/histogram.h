// SPDX-License-Identifier: Apache-2.0
// Histogram: counts latencies in a fixed 60 KB, so that a million streams cost no more than ten.
//
// A bucket's width is at most 1/128 of its value, so a percentile is exact to 0.8 %. It has no pointers, and zero means
// empty: it can be in memory that processes share, with one writer each.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace streaming::bench {

class Histogram {
 public:
  void add(std::uint64_t value);
  Histogram& operator+=(const Histogram& other);

  std::uint64_t count() const { return count_; }

  // The percentile by nearest rank: the value that this fraction (0.5, 0.99, ...) of all does not exceed; 0 if there
  // are none.
  std::uint64_t percentile(double fraction) const;

 private:
  static constexpr int kSubBits = 7;
  static constexpr std::size_t kSubBuckets = 1u << kSubBits;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSubBuckets;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t middle_of(std::size_t bucket);

  std::uint64_t count_ = 0;
  std::array<std::uint64_t, kBuckets> buckets_{};
};

}  // namespace streaming::bench
