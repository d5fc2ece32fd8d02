// SPDX-License-Identifier: Apache-2.0
// Histogram: how often each latency was seen, in a fixed 60 KB, so that a million streams cost no more than ten.
//
// Buckets of at most 1/128 of their value: a percentile is exact to 0.8 %. No pointers, zero is empty: it can live in
// memory that processes share, one writer each.

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

  // The value that a fraction of all (0.5, 0.99, ...) does not exceed, the nearest rank's; 0 when there is none.
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
