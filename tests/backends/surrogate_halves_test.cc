#include "backends/surrogate_halves.h"

#include <gtest/gtest.h>

#include "backends/json_fields.h"

namespace streaming {
namespace {

// The texts of the events, each in JSON as written here, put together; "no Unicode" when that fails.
std::string joined(const std::vector<std::string>& pieces, std::uint64_t source_step = 0) {
  SurrogateJoiner joiner;
  std::string all;
  std::uint64_t source = 0;
  for (const std::string& piece : pieces) {
    std::string json = "{\"text\":\"" + piece + "\"}";
    JsonObject object;
    if (!object.parse(json)) return "no JSON";
    std::string_view text = find_text(&object.root(), "text");
    if (!joiner.join(source += source_step, text)) return "no Unicode";
    all += text;
  }
  return all;
}

TEST(SurrogateHalves, AreJoinedOverTwoEvents) {
  EXPECT_EQ(joined({R"(a\ud83d)", R"(\ude00b)"}), "a😀b");
  EXPECT_EQ(joined({R"(\uD83D)", R"(\uDE00)"}), "😀");
  EXPECT_EQ(joined({R"(\ud83d)", R"(\ude00\ud834)", R"(\udd1e)"}), "😀𝄞");
  EXPECT_EQ(joined({R"(\ud83d)", "", R"(\ude00)"}), "😀") << "an empty piece is between";
  EXPECT_EQ(joined({R"(\udbff)", R"(\udfff)"}), "\xF4\x8F\xBF\xBF");
  EXPECT_EQ(joined({R"(\ud800)", R"(\udc00)"}), "\xF0\x90\x80\x80");
}

TEST(SurrogateHalves, LeaveWholePairsAndEscapedBackslashesAlone) {
  EXPECT_EQ(joined({R"(\ud83d\ude00)"}), "😀");
  EXPECT_EQ(joined({R"(\\ud83d)", R"(\\ude00)"}), R"(\ud83d\ude00)");
  EXPECT_EQ(joined({R"(\\\ud83d)", R"(\ude00\n\u00e9)"}), "\\😀\né");
}

TEST(SurrogateHalves, StandAloneNowhere) {
  for (const std::vector<std::string>& pieces : std::vector<std::vector<std::string>>{{R"(\ude00)"},
                                                                                      {R"(a\ude00)"},
                                                                                      {R"(\ud83da)"},
                                                                                      {R"(\ud83d\ud83d\ude00)"},
                                                                                      {R"(\ud83d)", "a"},
                                                                                      {R"(\ud83d)", R"(a\ude00)"},
                                                                                      {R"(\ud83d)", R"(\ud83d)"},
                                                                                      {R"(\ude00)", R"(\ud83d)"}}) {
    EXPECT_EQ(joined(pieces), "no Unicode") << pieces.front();
  }
}

TEST(SurrogateHalves, AreJoinedWithThoseOfTheSameSourceAlone) {
  EXPECT_EQ(joined({R"(\ud83d)", R"(\ude00)"}, 1), "no Unicode");
  EXPECT_EQ(joined({R"(\ud83d)", "a"}, 1), "a") << "the answer's end cuts the first half's source off";
}

TEST(SurrogateHalves, OfTooManySourcesAreNotKept) {
  EXPECT_EQ(joined(std::vector<std::string>(1000, R"(\ud83d)"), 1), "no Unicode");
}

TEST(SurrogateHalves, AreNotSeenInWhatIsNoEscape) {
  for (const char* text : {R"(\ud83)", R"(\ud83g)", R"(\u-83d)", R"(\)", ""}) {
    std::string json = text;
    mark_surrogate_halves(json);
    EXPECT_EQ(json, text);
  }
}

}  // namespace
}  // namespace streaming
