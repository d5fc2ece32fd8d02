#include "metrics/histogram.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(Histogram, CountsWhatIsOnABoundBelowIt) {
  Histogram histogram;
  histogram.observe(Duration(0));
  histogram.observe(Duration(1));
  histogram.observe(Duration(2));
  EXPECT_EQ(histogram.count(0), 2u);
  EXPECT_EQ(histogram.count(1), 1u);
  EXPECT_EQ(histogram.sum_ms(), 3u);
}

TEST(Histogram, HasABucketForAllBeyondTheLastBound) {
  Histogram histogram;
  histogram.observe(Duration(Histogram::kBoundsMs.back()));
  histogram.observe(Duration(Histogram::kBoundsMs.back() + 1));
  EXPECT_EQ(histogram.count(Histogram::kBoundsMs.size() - 1), 1u);
  EXPECT_EQ(histogram.count(Histogram::kBoundsMs.size()), 1u);
}

}  // namespace
}  // namespace streaming
