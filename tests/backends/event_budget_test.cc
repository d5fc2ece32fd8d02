// SPDX-License-Identifier: Apache-2.0
#include "backends/event_budget.h"
#include "backends/limits.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(EventBudget, CountsLargeEventsOfAllTogether) {
  EventBudget budget(1);
  HeldBytes one = budget.share(), other = budget.share(), small = budget.share();
  EXPECT_TRUE(EventBudget::count(one, kMaxHeldEventBytes - kUncountedEventBytes));
  EXPECT_TRUE(EventBudget::count(small, kUncountedEventBytes));
  EXPECT_FALSE(EventBudget::count(other, 2 * kUncountedEventBytes));
  EXPECT_TRUE(EventBudget::count(small, kUncountedEventBytes)) << "a small one is never too much";
  EventBudget::count(other, 0);
  EventBudget::count(one, 0);
  EXPECT_TRUE(EventBudget::count(other, 2 * kUncountedEventBytes));
}

}  // namespace
}  // namespace streaming
