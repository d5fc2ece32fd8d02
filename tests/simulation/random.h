// SPDX-License-Identifier: Apache-2.0
// Random: all chance of a simulated run. The same seed gives the same numbers on every machine and with every compiler,
// which the distributions of <random> do not.
//
// Compilers evaluate the arguments of a call, and both sides of most operators, in an order of their choice. So no two of
// them may draw: braces, && and statements have an order.
//
// One thread. A part of the simulation that draws for itself has a Random of its own, by fork(), so that what it draws does
// not move what others draw.

#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>

#include "base/clock.h"

namespace streaming::simulation {

// SplitMix64 (Steele, Lea and Flood, 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
  }

  // Below `bound`, which is not 0. Small bounds are drawn evenly enough.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // `first`, `last` and all between.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

  template <typename Value>
  Value pick(std::initializer_list<Value> values) {
    return values.begin()[below(values.size())];
  }
  template <typename Range>
  auto& pick(Range& values) {
    return *std::next(std::begin(values), static_cast<std::ptrdiff_t>(below(std::size(values))));
  }

  Random fork() { return Random(next()); }

 private:
  std::uint64_t state_;
};

// `first` to `last` milliseconds.
inline Duration some_ms(Random& random, std::uint64_t first, std::uint64_t last) {
  return Duration(static_cast<std::int64_t>(random.between(first, last)));
}

}  // namespace streaming::simulation
