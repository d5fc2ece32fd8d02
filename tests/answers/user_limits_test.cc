// SPDX-License-Identifier: Apache-2.0
#include "answers/user_limits.h"

#include <gtest/gtest.h>

#include <string>

#include "answers/limits.h"

namespace streaming {
namespace {

constexpr Time kNow = Time(Duration(1'000'000));

TEST(UserLimits, AllowsAsManyStreamsAtOnceAsItSays) {
  UserLimits limits(2, 0);
  const UserLimits::Entry first = limits.enter("a", kNow), second = limits.enter("a", kNow);
  ASSERT_NE(first.user, nullptr);
  ASSERT_NE(second.user, nullptr);
  const UserLimits::Entry third = limits.enter("a", kNow);
  EXPECT_EQ(third.user, nullptr);
  EXPECT_GT(third.retry_after_seconds, 0);
  EXPECT_NE(limits.enter("b", kNow).user, nullptr) << "another user is another matter";
  limits.leave(*first.user, 0, kNow);
  EXPECT_NE(limits.enter("a", kNow).user, nullptr);
}

TEST(UserLimits, AllowsSoManyStartsAMinuteAndSaysWhenTheNextIs) {
  UserLimits limits(0, 6);
  for (int i = 0; i < 6; ++i) {
    const UserLimits::Entry entry = limits.enter("a", kNow);
    ASSERT_NE(entry.user, nullptr);
    limits.leave(*entry.user, 0, kNow);
  }
  EXPECT_EQ(limits.enter("a", kNow).retry_after_seconds, 10);
  EXPECT_EQ(limits.enter("a", kNow + Duration(9'999)).user, nullptr);
  EXPECT_NE(limits.enter("a", kNow + Duration(10'000)).user, nullptr);
  EXPECT_EQ(limits.enter("a", kNow + Duration(10'000)).user, nullptr);
}

TEST(UserLimits, DoesNotCountAStreamThatWasCancelled) {
  UserLimits limits(1, 1);
  for (int i = 0; i < 3; ++i) {
    const UserLimits::Entry entry = limits.enter("a", kNow);
    ASSERT_NE(entry.user, nullptr);
    limits.cancel(*entry.user);
  }
  limits.set_limits(1, 0);
  const UserLimits::Entry entry = limits.enter("a", kNow);
  ASSERT_NE(entry.user, nullptr);
  limits.cancel(*entry.user);
}

TEST(UserLimits, SavesUpNoMoreThanAMinutesStarts) {
  UserLimits limits(0, 2);
  limits.enter("a", kNow);
  const Time much_later = kNow + Duration(3'600'000);
  EXPECT_NE(limits.enter("a", much_later).user, nullptr);
  EXPECT_NE(limits.enter("a", much_later).user, nullptr);
  EXPECT_EQ(limits.enter("a", much_later).user, nullptr);
}

TEST(UserLimits, RefuseAUserWhoseTokensAreUsedUpUntilTheWindowEnds) {
  UserLimits limits(0, 0);
  limits.set_token_budget(100, Duration(60'000));
  const UserLimits::Entry first = limits.enter("a", kNow), second = limits.enter("a", kNow);
  limits.leave(*first.user, 99, kNow);
  const UserLimits::Entry third = limits.enter("a", kNow + Duration(10'000));
  ASSERT_NE(third.user, nullptr) << "one is left";
  limits.leave(*third.user, 500, kNow + Duration(10'000));
  limits.leave(*second.user, 0, kNow + Duration(10'000));
  const UserLimits::Entry refused = limits.enter("a", kNow + Duration(20'500));
  EXPECT_EQ(refused.limit, UserLimit::kTokens);
  EXPECT_EQ(refused.retry_after_seconds, 40);
  EXPECT_NE(limits.enter("b", kNow).user, nullptr);
  EXPECT_NE(limits.enter("a", kNow + Duration(60'000)).user, nullptr);
}

TEST(UserLimits, ChargeNoMoreTokensThanCanBeCounted) {
  UserLimits limits(0, 0);
  limits.set_token_budget(100, Duration(60'000));
  for (int i = 0; i < 3; ++i) limits.leave(*limits.count("a", kNow), ~std::uint64_t{0}, kNow);
  EXPECT_EQ(limits.enter("a", kNow).limit, UserLimit::kTokens);
}

TEST(UserLimits, RememberABoundedNumberOfUsersAndThoseWhoHaveUsedMost) {
  UserLimits limits(0, 0);
  limits.set_token_budget(100, Duration(60'000));
  limits.leave(*limits.count("a", kNow), 100, kNow);
  for (std::size_t i = 0; i < 2 * kMaxRememberedUsers; ++i) {
    limits.leave(*limits.count("user-" + std::to_string(i), kNow), 1, kNow);
  }
  EXPECT_LE(limits.size(), kMaxRememberedUsers);
  EXPECT_TRUE(limits.enter("a", kNow).refused());
}

TEST(UserLimits, LeavesNobodysStreamsAlone) {
  UserLimits limits(1, 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limits.enter("", kNow).retry_after_seconds, 0);
  EXPECT_EQ(limits.size(), 0u);
}

TEST(UserLimits, LimitsNothingWhenNoLimitIsSet) {
  UserLimits limits(0, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limits.enter("a", kNow).retry_after_seconds, 0);
  EXPECT_EQ(limits.size(), 0u);
}

class ForgettingUsersTest : public testing::TestWithParam<std::int64_t> {};

TEST_P(ForgettingUsersTest, ThatNothingLimitsAnyMore) {
  UserLimits limits(1, GetParam());
  Time now = kNow;
  const UserLimits::Entry stays = limits.enter("stays", now);
  for (int i = 0; i < 100'000; ++i) {
    const UserLimits::Entry entry = limits.enter("user-" + std::to_string(i), now);
    ASSERT_NE(entry.user, nullptr);
    limits.leave(*entry.user, 0, kNow);
    now += Duration(10);
  }
  EXPECT_LT(limits.size(), 5'000u);
  EXPECT_EQ(limits.enter("stays", now).user, nullptr) << "its stream is still open";
  limits.leave(*stays.user, 0, kNow);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutARate, ForgettingUsersTest, testing::Values(0, 10));

}  // namespace
}  // namespace streaming
