// SPDX-License-Identifier: Apache-2.0
#include "answers/kept_frames.h"

#include <gtest/gtest.h>

#include <string>

#include "answers/limits.h"

namespace streaming {
namespace {

std::string frame(int number, std::size_t text_bytes = 40) {
  return "id: " + std::to_string(number) + "\ndata: " + std::string(text_bytes, 'x') + "\n\n";
}

std::string all_from(const KeptFrames& frames, KeptFrames::Place place) {
  std::string all;
  while (place != frames.end()) {
    const KeptFrames::Span span = frames.from(place);
    all += span.frames;
    place = span.end;
  }
  return all;
}

TEST(KeptFrames, GiveBackAllThatWasAppendedFromAnyEventOn) {
  KeptFrames frames;
  std::string all;
  for (int number = 1; number <= 500; ++number) {
    frames.append(frame(number, static_cast<std::size_t>(number)), 1);
    all += frame(number, static_cast<std::size_t>(number));
  }
  EXPECT_EQ(all_from(frames, {}), all);
  EXPECT_EQ(frames.end(), (KeptFrames::Place{all.size(), 500}));
  for (const std::uint32_t event : {0u, 1u, 17u, 499u, 500u}) {
    const auto place = frames.behind(event);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->event, event);
    EXPECT_EQ(all_from(frames, *place), all.substr(place->byte));
  }
  EXPECT_EQ(frames.behind_id("17"), frames.behind(17));
  EXPECT_TRUE(all_from(frames, *frames.behind(17)).starts_with("id: 18\n"));
  EXPECT_FALSE(frames.behind(501));
  EXPECT_FALSE(frames.behind_id("501"));
}

TEST(KeptFrames, FindAnIdInItsLineAlone) {
  KeptFrames frames;
  frames.append("event: message\nid: run-1\ndata: id: run-2\n\n", 1);
  frames.append("data: id: run-3\ndata: id: 7\n\n", 1);
  frames.append("id: run-1\ndata: again\n\n", 1);
  EXPECT_FALSE(frames.behind_id("run-2"));
  EXPECT_FALSE(frames.behind_id("run-3"));
  EXPECT_FALSE(frames.behind_id("7"));
  EXPECT_FALSE(frames.behind_id("run-"));
  EXPECT_FALSE(frames.behind_id("un-1"));
  EXPECT_EQ(frames.behind_id("run-1"), frames.end());  // the last one
}

TEST(KeptFrames, LeaveLittleMemoryUnused) {
  KeptFrames frames;
  for (int number = 1; number <= 20'000; ++number) {
    frames.append(frame(number), 1);
    EXPECT_LE(frames.bytes(), frames.end().byte + frames.end().byte / 5 + kSmallestFrameGrowth + 16) << number;
  }
  frames.trim();
  EXPECT_LE(frames.bytes(), frames.end().byte + frames.end().byte / 100 + 64);
  EXPECT_EQ(all_from(frames, *frames.behind(19'999)), frame(20'000));
}

TEST(KeptFrames, KeepAFrameTogetherThatIsLargerThanAChunk) {
  KeptFrames frames;
  frames.append(frame(1), 1);
  const std::string large = frame(2, 3 * kLargestFrameGrowth);
  frames.append(large, 1);
  frames.append(frame(3), 1);
  EXPECT_EQ(frames.from(*frames.behind(1)).frames, large);
  EXPECT_EQ(all_from(frames, *frames.behind(2)), frame(3));
}

TEST(KeptFrames, TellHowMuchTheyGrowBeforeTheyDo) {
  KeptFrames frames;
  for (int number = 1; number <= 3000; ++number) {
    const std::string next = frame(number, number % 50 == 0 ? 5000 : static_cast<std::size_t>(number % 300));
    const std::size_t growth = frames.growth_by(next.size());
    const std::size_t bytes = frames.bytes();
    frames.append(next, 1);
    ASSERT_EQ(frames.bytes(), bytes + growth) << number;
    if (number % 700 == 0) frames.drop_oldest();
    if (number % 1000 == 0) frames.trim();
  }
}

TEST(KeptFrames, DropTheOldestFirstAndThenAll) {
  KeptFrames frames;
  for (int number = 1; number <= 2000; ++number) frames.append(frame(number), 1);
  const std::size_t bytes = frames.bytes();
  ASSERT_TRUE(frames.drop_oldest());
  EXPECT_LT(frames.bytes(), bytes);
  const KeptFrames::Place begin = frames.begin();
  EXPECT_GT(begin.event, 0u);
  EXPECT_FALSE(frames.behind(begin.event - 1));
  EXPECT_EQ(frames.behind(begin.event), begin);
  EXPECT_TRUE(all_from(frames, begin).starts_with("id: " + std::to_string(begin.event + 1) + "\n"));
  const KeptFrames::Place end = frames.end();
  while (frames.drop_oldest()) {
  }
  EXPECT_EQ(frames.bytes(), 0u);
  EXPECT_EQ(frames.begin(), end);
  frames.append(frame(2001), 1);
  EXPECT_EQ(frames.begin(), end);
  EXPECT_EQ(all_from(frames, end), frame(2001));
  frames.trim();
  EXPECT_EQ(all_from(frames, end), frame(2001));
}

TEST(KeptFrames, KnowThePlaceBehindFramesThatWereNotKept) {
  KeptFrames frames;
  frames.append(frame(1), 1);
  frames.pass_over(frame(2), 1);
  EXPECT_EQ(frames.bytes(), 0u);
  EXPECT_EQ(frames.end(), (KeptFrames::Place{frame(1).size() + frame(2).size(), 2}));
  EXPECT_EQ(frames.begin(), frames.end());
  EXPECT_FALSE(frames.behind(1));
  EXPECT_EQ(frames.behind(2), frames.end());
}

}  // namespace
}  // namespace streaming
