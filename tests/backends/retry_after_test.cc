// SPDX-License-Identifier: Apache-2.0
#include "backends/retry_after.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

constexpr std::time_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

int asked(std::string_view retry_after, std::string_view retry_after_ms = "") {
  return retry_after_seconds({.status = 429, .retry_after = retry_after, .retry_after_ms = retry_after_ms}, kNow);
}

TEST(RetryAfter, ReadsNumbersAndRoundsFractionsUp) {
  EXPECT_EQ(asked("7"), 7);
  EXPECT_EQ(asked("7.2"), 8);
  EXPECT_EQ(asked("0.02"), 1);
}

TEST(RetryAfter, ReadsEachFormOfADate) {
  EXPECT_EQ(asked("Sun, 06 Nov 1994 08:49:47 GMT"), 10);
  EXPECT_EQ(asked("Sunday, 06-Nov-94 08:49:47 GMT"), 10);
  EXPECT_EQ(asked("Sun Nov  6 08:49:47 1994"), 10);
  EXPECT_EQ(asked("Sun, 06 Nov 1994 08:49:27 GMT"), 0) << "it is over";
}

TEST(RetryAfter, PrefersMilliseconds) {
  EXPECT_EQ(asked("7", "1500"), 2);
  EXPECT_EQ(asked("7", "soon"), 7);
}

TEST(RetryAfter, IgnoresWhatIsNoTimeAndWhatIsTooLong) {
  for (const char* text : {"", "0", "-1", "soon", "7 s", "inf", "nan", "1e3", "99999999999", "Sun, 06 Nov 1996 08:49:37 GMT"}) {
    EXPECT_EQ(asked(text), 0) << text;
  }
}

}  // namespace
}  // namespace streaming
