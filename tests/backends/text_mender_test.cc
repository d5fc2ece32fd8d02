// SPDX-License-Identifier: Apache-2.0
#include "backends/text_mender.h"

#include <gtest/gtest.h>

#include "backends/json_fields.h"

namespace streaming {
namespace {

// The joined texts of the events, each written here in JSON; text that still waits at the end is left out.
struct Mended {
  std::string text;
  bool has_replaced;
};

Mended mended(const std::vector<std::string>& pieces, std::uint64_t source_step = 0) {
  TextMender mender;
  Mended mended{};
  std::uint64_t source = 0;
  for (const std::string& piece : pieces) {
    std::string json = "{\"text\":\"" + piece + "\",\"more\":1}";
    JsonObject object;
    EXPECT_TRUE(object.parse(json)) << piece;
    EXPECT_EQ(find_count(&object.root(), "more"), 1u);
    mended.text += mender.next_piece(source += source_step, find_text(&object.root(), "text"));
  }
  mended.has_replaced = mender.has_replaced();
  return mended;
}

TEST(TextMender, JoinsHalvesOverTwoEvents) {
  for (const auto& [pieces, text] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{R"(a\ud83d)", R"(\ude00b)"}, "a😀b"},
           {{R"(\uD83D)", R"(\uDE00)"}, "😀"},
           {{R"(\ud83d)", R"(\ude00\ud834)", R"(\udd1e)"}, "😀𝄞"},
           {{R"(\ud83d)", "", R"(\ude00)"}, "😀"},
           {{R"(\udbff)", R"(\udfff)"}, "\xF4\x8F\xBF\xBF"},
           {{R"(\ud800)", R"(\udc00)"}, "\xF0\x90\x80\x80"}}) {
    EXPECT_EQ(mended(pieces).text, text);
    EXPECT_FALSE(mended(pieces).has_replaced) << text;
  }
}

TEST(TextMender, LeavesWholePairsAndEscapedBackslashesAlone) {
  EXPECT_EQ(mended({R"(\ud83d\ude00)"}).text, "😀");
  EXPECT_EQ(mended({R"(\\ud83d)", R"(\\ude00)"}).text, R"(\ud83d\ude00)");
  EXPECT_EQ(mended({R"(\\\ud83d)", R"(\ude00\n\u00e9)"}).text, "\\😀\né");
}

TEST(TextMender, TakesNoCharacterForHalfAPair) {
  // A noncharacter and private characters: they are valid in a text, without a meaning.
  for (const std::string text : {"\uFDD0\uE000", "\uFDD0\uE7FF", "\uFDD0", "\uE000", "\uD7FF"}) {
    EXPECT_EQ(mended({text, text}).text, text + text);
    EXPECT_FALSE(mended({text}).has_replaced);
  }
}

TEST(TextMender, ReplacesHalvesThatStandAlone) {
  for (const auto& [pieces, text] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{R"(\ude00)"}, "�"},
           {{R"(a\ude00b)"}, "a�b"},
           {{R"(\ud83da)"}, "�a"},
           {{R"(\ud83d\ud83d\ude00)"}, "�😀"},
           {{R"(\ud83d)", "a"}, "�a"},
           {{R"(\ud83d)", R"(a\ude00)"}, "�a�"},
           {{R"(\ude00)", "b"}, "�b"},
           {{R"(\ud83d)", R"(\ud83d)", R"(\ude00)"}, "�😀"}}) {
    EXPECT_EQ(mended(pieces).text, text);
    EXPECT_TRUE(mended(pieces).has_replaced) << text;
  }
}

TEST(TextMender, ReplacesBytesThatAreNotUtf8AsBrowsersDo) {
  for (const auto& [bytes, text] : {std::pair{"a\xFFz", "a�z"},
                                    {"\xE2\x82z", "�z"},
                                    {"\xE2\x82", "�"},
                                    {"\xC0\xAF", "��"},
                                    {"\xF5", "�"},
                                    {"\xF0\x9F\x98", "�"}}) {
    EXPECT_EQ(mended({bytes}).text, text);
    TextMender mender;
    EXPECT_EQ(mender.whole(bytes), text);
    EXPECT_TRUE(mender.has_replaced());
  }
}

TEST(TextMender, JoinsHalvesOfTheSameSourceAlone) {
  EXPECT_EQ(mended({R"(\ud83d)", R"(\ude00)"}, 1).text, "�");
  EXPECT_EQ(mended({R"(\ud83d)", "a"}, 1).text, "a") << "the half of the other source waits";
}

TEST(TextMender, NamesTheSourcesOfHalvesThatWaitInVain) {
  TextMender mender;
  std::uint64_t source = 0;
  EXPECT_FALSE(mender.take_waiting(source));
  EXPECT_EQ(mender.next_piece(7, "a\xED\xA0\xBD"), "a");
  EXPECT_TRUE(mender.take_waiting(source));
  EXPECT_EQ(source, 7u);
  EXPECT_TRUE(mender.has_replaced());
  EXPECT_FALSE(mender.take_waiting(source));
}

TEST(TextMender, KeepsHalvesOfNoMoreSourcesThanTheLimit) {
  const Mended many = mended(std::vector<std::string>(1000, R"(\ud83d)"), 1);
  EXPECT_TRUE(many.has_replaced);
  EXPECT_TRUE(many.text.starts_with("�"));
}

TEST(SurrogateHalves, AreNotSeenInWhatIsNoEscape) {
  for (const char* text : {R"(\ud83)", R"(\ud83g)", R"(\u-83d)", R"(\)", ""}) {
    std::string json = text;
    unescape_surrogate_halves(json);
    EXPECT_EQ(json, text);
  }
}

TEST(SurrogateHalves, EndAnAccumulatedTextThatIsStillToBeAddedTo) {
  EXPECT_EQ(without_last_half("a\xED\xA0\xBD"), "a");
  for (const char* text : {"", "a", "a\xED\xB8\x80", "\xED\x9F\xBF", "é"}) EXPECT_EQ(without_last_half(text), text);
}

}  // namespace
}  // namespace streaming
