// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace streaming {
namespace {

TEST(Utf8, AcceptsTheUtf8OfTheStandard) {
  for (const std::string text :
       {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x91\x8D", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  EXPECT_TRUE(is_utf8(std::string(1, '\0')));
}

TEST(Utf8, RefusesBytesThatAreNoUtf8) {
  for (const std::string text :
       {"\x80", "\xC3", "\xC0\xAF", "\xE2\x82", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "a\xC3(", "caf\xE9"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, TakesTogetherWhatBrowsersReplaceTogether) {
  for (const auto& [text, bytes] :
       {std::pair{"\xE2\x82z", 2u}, {"\xF0\x9F\x91", 3u}, {"\xC3\xC3", 1u}, {"\xE0\x80\xAF", 1u}, {"\xFF\xFF", 1u}}) {
    const Utf8Unit unit = utf8_unit_at(text, 0);
    EXPECT_FALSE(unit.valid) << text;
    EXPECT_EQ(unit.bytes, bytes) << text;
  }
  EXPECT_EQ(utf8_unit_at("a\xE2\x82\xAC", 1).bytes, 3u);
  EXPECT_TRUE(utf8_unit_at("a\xE2\x82\xAC", 1).valid);
}

}  // namespace
}  // namespace streaming
