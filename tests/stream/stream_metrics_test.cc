// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_metrics.h"

#include <gtest/gtest.h>

#include "stream/limits.h"

namespace streaming {
namespace {

TEST(StreamMetrics, AddsTokensUpByBackendAndModel) {
  StreamMetrics metrics(2);
  metrics.count_tokens(1, "m", {1, 2});
  metrics.count_tokens(1, "m", {10, 20});
  metrics.count_tokens(0, "m", {100, 200});
  metrics.count_tokens(0, "silent", {0, 0});
  const TokenCounts::ByModel tokens = metrics.tokens().all();
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens.at({1, "m"}).input, 11u);
  EXPECT_EQ(tokens.at({1, "m"}).output, 22u);
  EXPECT_EQ(tokens.at({0, "m"}).output, 200u);
}

TEST(StreamMetrics, KeepsABoundedNumberOfModelsThoughAnybodyMayNameMore) {
  StreamMetrics metrics(1);
  for (std::size_t i = 0; i < 2 * kMaxModels; ++i) metrics.count_tokens(0, "model-" + std::to_string(i), {1, 1});
  const TokenCounts::ByModel tokens = metrics.tokens().all();
  EXPECT_EQ(tokens.size(), kMaxModels + 1);
  EXPECT_EQ(tokens.at({0, "other"}).input, kMaxModels);
}

TEST(StreamMetrics, KeepsLittleOfTheNameOfAModel) {
  StreamMetrics metrics(1);
  metrics.count_tokens(0, std::string(kMaxKeptModelBytes - 1, 'x') + "\xc3\xa9 and a megabyte more", {1, 1});
  const TokenCounts::ByModel tokens = metrics.tokens().all();
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens.begin()->first.second, std::string(kMaxKeptModelBytes - 1, 'x')) << "no half of a character";
}

}  // namespace
}  // namespace streaming
