// SPDX-License-Identifier: Apache-2.0
#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace streaming::bench {

// Values below 128 have a bucket each; for others the seven bits after the leading one select it.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < kSubBuckets) return static_cast<std::size_t>(value);
  const int shift = std::bit_width(value) - kSubBits - 1;
  return static_cast<std::size_t>(shift + 1) * kSubBuckets + static_cast<std::size_t>((value >> shift) - kSubBuckets);
}

std::uint64_t Histogram::middle_of(std::size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const std::size_t shift = bucket / kSubBuckets - 1;
  const std::uint64_t low = (kSubBuckets + bucket % kSubBuckets) << shift;
  return low + ((std::uint64_t{1} << shift) - 1) / 2;
}

void Histogram::add(std::uint64_t value) {
  ++count_;
  ++buckets_[bucket_of(value)];
}

Histogram& Histogram::operator+=(const Histogram& other) {
  count_ += other.count_;
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  return *this;
}

std::uint64_t Histogram::percentile(double fraction) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  std::uint64_t left = std::clamp<std::uint64_t>(rank, 1, count_);
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    if (buckets_[bucket] >= left) return middle_of(bucket);
    left -= buckets_[bucket];
  }
  return 0;
}

}  // namespace streaming::bench
