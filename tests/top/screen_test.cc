// SPDX-License-Identifier: Apache-2.0
#include "top/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace top {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Screen, PlacesEachTextInItsCells) {
  Screen screen({20, 3}, {});
  EXPECT_EQ(screen.put(0, 1, "left"), 5);
  screen.put_right(0, 20, "right");
  screen.put(2, 0, "below");
  EXPECT_EQ(screen.text(), " left          right\n\nbelow\n");
}

TEST(Screen, LeavesOutWhatDoesNotFit) {
  Screen screen({5, 1}, {});
  screen.put(0, 3, "long");
  screen.put(1, 0, "below the last line");
  screen.put(0, -2, "abc");
  EXPECT_EQ(screen.text(), "c  lo\n");
}

TEST(Screen, LetsNoControlCharacterThrough) {
  Screen screen({20, 1}, {});
  screen.put(0, 0, "a\x1b[2Jb\nc\xc2\x9b" "d\xff\xe2\x80\xae");
  EXPECT_EQ(screen.text(), "a?[2Jb?c?d??\n");
}

TEST(Screen, DrawsAsciiOnAnAsciiTerminal) {
  Screen screen({10, 1}, {.utf8 = false, .colour = false});
  screen.put(0, 0, "é█x");
  EXPECT_EQ(screen.text(), "??x\n");
}

TEST(Screen, WritesTheScreenAtOnceWithoutClearingIt) {
  Screen screen({4, 2}, {});
  screen.put(0, 0, "bad", Style::kBad);
  const std::string frame = screen.frame();
  EXPECT_THAT(frame, HasSubstr("\x1b[H\x1b[0m\x1b[0;1;31mbad\x1b[0m \r\n    "));
  EXPECT_THAT(frame, Not(HasSubstr("\x1b[2J"))) << "which would flicker";
}

TEST(Screen, DrawsNoColourIfNoneIsWanted) {
  Screen screen({4, 1}, {.utf8 = true, .colour = false});
  screen.put(0, 0, "bad", Style::kBad);
  screen.put(0, 3, "x", Style::kGood);
  EXPECT_THAT(screen.frame(), Not(HasSubstr("31")));
  EXPECT_THAT(screen.frame(), Not(HasSubstr("32m")));
}

TEST(WidthOf, CountsCellsAndNoBytes) {
  EXPECT_EQ(width_of("abc"), 3);
  EXPECT_EQ(width_of("█░▁"), 3);
  EXPECT_EQ(width_of(""), 0);
}

}  // namespace
}  // namespace top
