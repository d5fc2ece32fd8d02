// SPDX-License-Identifier: Apache-2.0
#include "top/keys.h"

#include <gtest/gtest.h>

namespace top {
namespace {

constexpr Size kSize{80, 10};

TEST(Keys, EndPauseAndChangeTheTab) {
  View view;
  EXPECT_FALSE(apply_keys("q", kSize, view));
  EXPECT_TRUE(apply_keys(" s", kSize, view));
  EXPECT_TRUE(view.paused);
  EXPECT_EQ(view.tab, Tab::kStreams);
  EXPECT_TRUE(apply_keys(" s", kSize, view));
  EXPECT_FALSE(view.paused);
  EXPECT_EQ(view.tab, Tab::kOverview);
}

TEST(Keys, ChangeTheIntervalInSteps) {
  View view;
  apply_keys("+", kSize, view);
  EXPECT_EQ(view.interval_s, 2);
  apply_keys("---", kSize, view);
  EXPECT_EQ(view.interval_s, 0.2);
  apply_keys("------", kSize, view);
  EXPECT_EQ(view.interval_s, 0.1);
  apply_keys("++++++++++++++++++", kSize, view);
  EXPECT_EQ(view.interval_s, 60);
  view.interval_s = 0.7;
  apply_keys("-", kSize, view);
  EXPECT_EQ(view.interval_s, 0.5);
}

TEST(Keys, ScrollTheStreamsThatThereAre) {
  View view;
  view.streams.emplace(visible_streams(kSize) + 2);
  apply_keys("\x1b[B", kSize, view);
  EXPECT_EQ(view.scroll, 1u);
  apply_keys("\x1b[6~\x1b[6~", kSize, view);
  EXPECT_EQ(view.scroll, 2u) << "the last is on the screen";
  apply_keys("\x1bOA\x1b[A\x1b[A", kSize, view);
  EXPECT_EQ(view.scroll, 0u);
}

TEST(Keys, IgnoresUnknownKeys) {
  View view;
  EXPECT_TRUE(apply_keys("\x1b[Cxyz\xff", kSize, view));
  EXPECT_FALSE(view.paused);
  EXPECT_EQ(view.scroll, 0u);
}

}  // namespace
}  // namespace top
