// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text);
  return out;
}

TEST(Printable, LeavesTextAsItIs) {
  for (const char* text : {"", "a line: x=1 \"y\"", "Grüße, 你好, 🙂", "שלום"}) EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatCouldBeTakenForAnotherLineOrMoveTheCursor) {
  EXPECT_EQ(printable("a\nb\r\t\x1b[31m\x7f"), "a\\u000ab\\u000d\\u0009\\u001b[31m\\u007f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\u0000");
  EXPECT_EQ(printable("\xc2\x85\xc2\x9b"), "\\u0085\\u009b");
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0") << "the first behind C1";
  EXPECT_EQ(printable("\xe2\x80\xa8\xe2\x80\xa9"), "\\u2028\\u2029");
}

TEST(Printable, EscapesWhatChangesTheDirectionOfWriting) {
  EXPECT_EQ(printable("\xe2\x80\xae" "gnp.exe"), "\\u202egnp.exe");
  EXPECT_EQ(printable("\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9"),
            "\\u061c\\u200e\\u200f\\u202a\\u2066\\u2069");
}

TEST(Printable, PutsAMarkInPlaceOfEachByteThatIsNotUtf8) {
  EXPECT_EQ(printable("a\x9b" "b"), "a\\ufffdb");
  EXPECT_EQ(printable("\xe2\x80"), "\\ufffd\\ufffd");
  EXPECT_EQ(printable("\xc2\n"), "\\ufffd\\u000a");
  EXPECT_EQ(printable("\xff\xf0\x9f\x99\x82"), "\\ufffd\xf0\x9f\x99\x82");
}

TEST(PrintableName, CutsANameBetweenTwoCharacters) {
  EXPECT_EQ(printable_name("a\nb"), "a\\u000ab");
  EXPECT_EQ(printable_name(std::string(100, 'x')), std::string(100, 'x'));
  EXPECT_EQ(printable_name(std::string(99, 'x') + "\xc3\xa9"), std::string(99, 'x') + "...");
  EXPECT_EQ(printable_name(std::string(98, 'x') + "\xc3\xa9y"), std::string(98, 'x') + "\xc3\xa9...");
}

}  // namespace
}  // namespace streaming
