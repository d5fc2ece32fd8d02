// SPDX-License-Identifier: Apache-2.0
#include "base/byte_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace streaming {
namespace {

TEST(ByteBudget, RefusesWhatHasGrownOverItAndCountsItUntilItIsGone) {
  ByteBudget budget(100);
  HeldBytes first(budget);
  EXPECT_TRUE(first.set(60));
  {
    HeldBytes second(budget);
    EXPECT_TRUE(second.set(40));
    EXPECT_FALSE(second.set(41));
    EXPECT_EQ(budget.held(), 101u);
    EXPECT_TRUE(second.set(41)) << "it has not grown";
    EXPECT_TRUE(first.set(59)) << "it has shrunk";
  }
  EXPECT_EQ(budget.held(), 59u);
  budget.set_most(10);
  EXPECT_FALSE(first.set(60));
}

TEST(ByteBudget, CountsACopyOnceMoreAndAMovedShareOnce) {
  ByteBudget budget(100);
  {
    HeldBytes first(budget);
    first.set(10);
    const HeldBytes copy = first;
    EXPECT_EQ(budget.held(), 20u);
    HeldBytes moved = std::move(first);
    EXPECT_EQ(budget.held(), 20u);
    const HeldBytes made = moved.another(5);
    EXPECT_EQ(budget.held(), 25u);
    moved = {};
    EXPECT_EQ(budget.held(), 15u);
  }
  EXPECT_EQ(budget.held(), 0u);
}

TEST(ByteBudget, NeedNotBeThere) {
  HeldBytes nowhere;
  EXPECT_TRUE(nowhere.set(1'000'000));
  EXPECT_TRUE(nowhere.another(1'000'000).set(2'000'000));
}

TEST(ByteBudget, CountsExactlyWithManyThreads) {
  ByteBudget budget(1'000'000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      for (std::size_t bytes = 1; bytes <= 10'000; ++bytes) {
        HeldBytes share(budget);
        share.set(bytes);
        const HeldBytes copy = share;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.held(), 0u);
}

}  // namespace
}  // namespace streaming
