// SPDX-License-Identifier: Apache-2.0
#include "backends/local/typing_rhythm.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace streaming {
namespace {

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t bytes = first_character_bytes(text);
    all.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return all;
}

TEST(FirstCharacter, FindsTheFirstCharacterThatAReaderSees) {
  using Characters = std::vector<std::string>;
  EXPECT_EQ(characters("a\xC3\xA9\xE2\x82\xAC"), (Characters{"a", "\xC3\xA9", "\xE2\x82\xAC"})) << "aé€";
  EXPECT_EQ(characters("e\xCC\x81x"), (Characters{"e\xCC\x81", "x"})) << "e with a combining acute";
  const std::string family = "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7";
  EXPECT_EQ(characters(family + "!"), (Characters{family, "!"})) << "joined emoji";
  const std::string hand = "\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD", heart = "\xE2\x9D\xA4\xEF\xB8\x8F";
  EXPECT_EQ(characters(hand + heart), (Characters{hand, heart})) << "a skin tone, a variation";
  const std::string de = "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA", fr = "\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7";
  EXPECT_EQ(characters(de + fr), (Characters{de, fr})) << "two flags";
  EXPECT_EQ(characters("\r\n\n"), (Characters{"\r\n", "\n"}));
}

TEST(FirstCharacter, LosesNoByteOfWhatIsNoUtf8) {
  std::string all;
  const std::string broken = "\xFF\x80z\xE2\x82";
  for (const std::string& character : characters(broken)) all += character;
  EXPECT_EQ(all, broken);
  EXPECT_EQ(first_character_bytes(""), 0u);
}

TEST(TypingRhythm, IsTheSameWithTheSameSeed) {
  TypingRhythm one(Duration(40), 7), same(Duration(40), 7), other(Duration(40), 8);
  int differences = 0;
  for (int i = 0; i < 50; ++i) {
    const Duration pause = one.pause_after("a", "b");
    EXPECT_EQ(pause, same.pause_after("a", "b"));
    differences += pause != other.pause_after("a", "b");
  }
  EXPECT_GT(differences, 0);
}

TEST(TypingRhythm, RestsAfterASentenceAndKeepsNearItsMean) {
  TypingRhythm rhythm(Duration(40), 1);
  Duration sum(0);
  for (int i = 0; i < 1000; ++i) {
    const Duration pause = rhythm.pause_after("a", "b");
    EXPECT_GE(pause, Duration(20));
    EXPECT_LE(pause, Duration(60));
    sum += pause;
  }
  EXPECT_NEAR(static_cast<double>(sum.count()) / 1000, 40, 3);
  EXPECT_GE(rhythm.pause_after(".", " Next"), Duration(200));
  EXPECT_GE(rhythm.pause_after(",", " next"), Duration(100));
  EXPECT_LE(rhythm.pause_after(".", "14"), Duration(60)) << "3.14 is no end of a sentence";
}

}  // namespace
}  // namespace streaming
