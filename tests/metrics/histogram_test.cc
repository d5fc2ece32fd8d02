// SPDX-License-Identifier: Apache-2.0
#include "metrics/histogram.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::array<std::int64_t, 3> kBoundsUs{1000, 2000, 5000};

TEST(Histogram, CountsWhatIsOnABoundBelowIt) {
  Histogram histogram(kBoundsUs);
  histogram.observe(microseconds(0));
  histogram.observe(milliseconds(1));
  histogram.observe(microseconds(1001));
  EXPECT_EQ(histogram.count(0), 2u);
  EXPECT_EQ(histogram.count(1), 1u);
}

TEST(Histogram, AddsUpWhatIsShorterThanAMillisecond) {
  Histogram histogram(kBoundsUs);
  for (int i = 0; i < 3; ++i) histogram.observe(microseconds(70));
  EXPECT_EQ(histogram.sum_us(), 210u);
}

TEST(Histogram, CountsValuesBeyondTheLastBoundInABucket) {
  Histogram histogram(kBoundsUs);
  histogram.observe(microseconds(5000));
  histogram.observe(microseconds(5001));
  EXPECT_EQ(histogram.count(2), 1u);
  EXPECT_EQ(histogram.count(3), 1u);
}

TEST(HistogramBounds, AscendInStepsThatKeepAQuantileNear) {
  for (std::size_t i = 1; i < kStreamBoundsUs.size(); ++i) {
    EXPECT_GT(kStreamBoundsUs[i], kStreamBoundsUs[i - 1]);
    EXPECT_LE(kStreamBoundsUs[i], 2 * kStreamBoundsUs[i - 1]);
    if (kStreamBoundsUs[i - 1] >= 10'000) {
      EXPECT_LE(2 * kStreamBoundsUs[i], 3 * kStreamBoundsUs[i - 1]);
    }
  }
  EXPECT_TRUE(std::is_sorted(kHandoffBoundsUs.begin(), kHandoffBoundsUs.end()));
}

TEST(HistogramBounds, HaveThoseOfPrometheusClientsThatExistingDashboardsName) {
  for (const std::int64_t ms : {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10'000}) {
    EXPECT_TRUE(std::binary_search(kStreamBoundsUs.begin(), kStreamBoundsUs.end(), ms * 1000)) << ms;
    EXPECT_TRUE(std::binary_search(kHandoffBoundsUs.begin(), kHandoffBoundsUs.end(), ms * 1000)) << ms;
  }
}

}  // namespace
}  // namespace streaming
