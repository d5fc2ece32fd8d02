#include "mod_socket_handoff/retry_schedule.h"

#include <gtest/gtest.h>

namespace socket_handoff {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(RetrySchedule, PausesDoubleAndFillTheTimeAllowed) {
  constexpr RetrySchedule schedule(milliseconds(700), 3);
  EXPECT_EQ(schedule.pause_before(0), milliseconds(100));
  EXPECT_EQ(schedule.pause_before(1), milliseconds(200));
  EXPECT_EQ(schedule.pause_before(2), milliseconds(400));
}

TEST(RetrySchedule, OneRetryWaitsForTheWholeTime) {
  EXPECT_EQ(RetrySchedule(milliseconds(500), 1).pause_before(0), milliseconds(500));
}

TEST(RetrySchedule, RetriesEndAtTheirNumber) {
  constexpr RetrySchedule none(milliseconds(500), 0);
  EXPECT_FALSE(none.allows_retry(0));
  constexpr RetrySchedule two(milliseconds(500), 2);
  EXPECT_TRUE(two.allows_retry(1));
  EXPECT_FALSE(two.allows_retry(2));
}

TEST(RetrySchedule, LargestSettingsStayWithinTheTimeAllowed) {
  constexpr RetrySchedule schedule(milliseconds(60'000), 20);
  microseconds sum{};
  for (int retry = 0; retry < 20; ++retry) sum += schedule.pause_before(retry);
  EXPECT_LE(sum, microseconds(milliseconds(60'000)));
  EXPECT_GT(sum, microseconds(milliseconds(59'999)));
}

}  // namespace
}  // namespace socket_handoff
