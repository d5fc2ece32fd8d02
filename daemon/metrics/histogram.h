// Histogram: how often something took how long. One thread writes it and any may read it; a reader may see an
// observation in part.

#pragma once

#include <array>
#include <cstddef>

#include "base/clock.h"
#include "metrics/figure.h"

namespace streaming {

class Histogram {
 public:
  // In milliseconds, each the most that its bucket holds; one more bucket holds all beyond.
  static constexpr std::array<std::int64_t, 17> kBoundsMs{
      1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10'000, 30'000, 60'000, 120'000, 300'000};

  void observe(Duration duration) {
    std::size_t bucket = 0;
    while (bucket < kBoundsMs.size() && duration.count() > kBoundsMs[bucket]) ++bucket;
    counts_[bucket].add();
    sum_ms_.add(static_cast<std::uint64_t>(duration.count()));
  }

  // The observations of that bucket alone.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].get(); }
  std::uint64_t sum_ms() const { return sum_ms_.get(); }

 private:
  std::array<Figure, kBoundsMs.size() + 1> counts_;
  Figure sum_ms_;
};

}  // namespace streaming
