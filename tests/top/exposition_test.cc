// SPDX-License-Identifier: Apache-2.0
#include "top/exposition.h"

#include <gtest/gtest.h>

#include <cmath>

namespace top {
namespace {

TEST(Exposition, AddsTheSamplesOfAMetricUp) {
  const Exposition exposition =
      Exposition::parse("# HELP m what\n# TYPE m counter\nm{a=\"1\",b=\"x\"} 2\nm{a=\"2\",b=\"x\"} 3.5\nother 7\n");
  EXPECT_EQ(exposition.sum("m"), 5.5);
  EXPECT_EQ(exposition.sum("none"), 0);
  EXPECT_EQ(exposition.by("m", "a"), (std::map<std::string, double>{{"1", 2}, {"2", 3.5}}));
  EXPECT_EQ(exposition.by("m", "b"), (std::map<std::string, double>{{"x", 5.5}}));
}

TEST(Exposition, ReadsEscapedLabels) {
  EXPECT_EQ(Exposition::parse("m{a=\"q\\\"},\\\\\"} 1\n").by("m", "a"),
            (std::map<std::string, double>{{"q\"},\\", 1}}));
}

TEST(Exposition, LeavesOutWhatItCannotRead) {
  EXPECT_EQ(Exposition::parse("m{a=\"1} 2\nm\nm x\n\nm 3").sum("m"), 3);
}

TEST(Exposition, OrdersTheBucketsOfAHistogramByTheirBounds) {
  const auto buckets =
      Exposition::parse("h_bucket{le=\"10\"} 2\nh_bucket{le=\"2.5\"} 1\nh_bucket{le=\"+Inf\"} 3\n").buckets("h");
  ASSERT_EQ(buckets.size(), 3u);
  EXPECT_EQ(buckets[0], (std::pair{2.5, 1.0}));
  EXPECT_EQ(buckets[1], (std::pair{10.0, 2.0}));
  EXPECT_TRUE(std::isinf(buckets[2].first));
}

TEST(Quantile, ComputesAQuantileBetweenTwoSamples) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<double, double>> before{{1, 100}, {2, 100}, {kInfinity, 100}};
  const std::vector<std::pair<double, double>> after{{1, 100}, {2, 110}, {kInfinity, 110}};
  EXPECT_DOUBLE_EQ(quantile(0.5, before, after), 1.5);
  EXPECT_TRUE(std::isnan(quantile(0.5, after, after)));
  EXPECT_TRUE(std::isnan(quantile(0.5, {}, {})));
}

TEST(Quantile, LimitsAQuantileToTheLastBound) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(quantile(0.99, {{1, 0}, {kInfinity, 0}}, {{1, 0}, {kInfinity, 5}}), 1);
}

}  // namespace
}  // namespace top
