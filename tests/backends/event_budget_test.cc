#include "backends/event_budget.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(EventBudget, CountsLargeEventsOfAllTogether) {
  EventBudget budget(1);
  std::size_t one = 0, other = 0, small = 0;
  EXPECT_TRUE(budget.count(one, kMaxHeldEventBytes - kUncountedEventBytes));
  EXPECT_TRUE(budget.count(small, kUncountedEventBytes));
  EXPECT_FALSE(budget.count(other, 2 * kUncountedEventBytes));
  EXPECT_TRUE(budget.count(small, kUncountedEventBytes)) << "a small one is never too much";
  budget.count(one, 0);
  EXPECT_TRUE(budget.count(other, 2 * kUncountedEventBytes));
}

}  // namespace
}  // namespace streaming
