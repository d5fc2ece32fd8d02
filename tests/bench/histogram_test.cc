// SPDX-License-Identifier: Apache-2.0
#include "bench/histogram.h"

#include <gtest/gtest.h>

#include <memory>

namespace streaming::bench {
namespace {

constexpr double kPrecision = 0.008;

TEST(Histogram, OfNothingIsZero) {
  EXPECT_EQ(Histogram().percentile(0.5), 0u);
}

TEST(Histogram, CountsValuesBelow128Exactly) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_EQ(histogram.percentile(0.5), 50u);
  EXPECT_EQ(histogram.percentile(0.99), 99u);
  EXPECT_EQ(histogram.percentile(1), 100u);
  EXPECT_EQ(histogram.percentile(0), 1u);
}

TEST(Histogram, KeepsItsPrecisionForAllValues) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 62); value = value * 3 + 1) {
    Histogram histogram;
    histogram.add(value);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0.5)), static_cast<double>(value),
                static_cast<double>(value) * kPrecision);
  }
}

TEST(Histogram, CountsTheLargestNumber) {
  Histogram histogram;
  histogram.add(UINT64_MAX);
  EXPECT_GT(histogram.percentile(0.5), UINT64_MAX / 2);
}

TEST(Histogram, AddsUpWithAnother) {
  const auto few = std::make_unique<Histogram>();
  const auto many = std::make_unique<Histogram>();
  few->add(1);
  for (int i = 0; i < 9; ++i) many->add(1'000'000);
  *many += *few;
  EXPECT_EQ(many->count(), 10u);
  EXPECT_EQ(many->percentile(0.1), 1u);
  EXPECT_NEAR(static_cast<double>(many->percentile(0.2)), 1e6, 1e6 * kPrecision);
}

}  // namespace
}  // namespace streaming::bench
