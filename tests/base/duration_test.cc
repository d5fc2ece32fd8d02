// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Duration, ParsesANumberWithAUnit) {
  EXPECT_EQ(parse_duration("10s"), seconds(10));
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("1m"), minutes(1));
  EXPECT_EQ(parse_duration("2h"), hours(2));
  EXPECT_EQ(parse_duration("7us"), microseconds(7));
  EXPECT_EQ(parse_duration("7µs"), microseconds(7));
  EXPECT_EQ(parse_duration("3ns"), Nanoseconds(3));
}

TEST(Duration, MayHaveSeveralPartsAndFractions) {
  EXPECT_EQ(parse_duration("1m30s"), seconds(90));
  EXPECT_EQ(parse_duration("1.5h"), minutes(90));
  EXPECT_EQ(parse_duration("0.25s"), milliseconds(250));
}

TEST(Duration, OfNothingNeedsNoUnit) {
  EXPECT_EQ(parse_duration("0"), Nanoseconds(0));
  EXPECT_EQ(parse_duration("0s"), Nanoseconds(0));
}

TEST(Duration, RefusesTextThatIsNoDuration) {
  for (const char* text : {"", "10", "s", "10 s", "-1s", "10x", "1e3s", "10sec", "1s2", "999999999h", "nan", "infs"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace streaming
