// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_directory.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

struct Entry : AnswerDirectory::Entry {
  using AnswerDirectory::Entry::Entry;
};

TEST(AnswerDirectory, FindsTheWorkerOfAnAnswer) {
  AnswerDirectory directory;
  Entry answer(3, "a", "");
  ASSERT_TRUE(directory.enter(answer));
  EXPECT_EQ(directory.find("a", "")->worker, 3u);
  EXPECT_FALSE(directory.find("b", ""));
  EXPECT_EQ(directory.find_own("a", 3), &answer);
  EXPECT_EQ(directory.find_own("a", 2), nullptr);
  directory.remove(answer);
  EXPECT_FALSE(directory.find("a", ""));
  EXPECT_EQ(directory.size(), 0u);
}

TEST(AnswerDirectory, AllowsAnAnswerToItsUserAlone) {
  AnswerDirectory directory;
  Entry own(0, "own", "u"), anybodys(0, "anybodys", "");
  directory.enter(own);
  directory.enter(anybodys);
  EXPECT_TRUE(directory.find("own", "u")->allowed);
  EXPECT_FALSE(directory.find("own", "v")->allowed);
  EXPECT_FALSE(directory.find("own", "")->allowed);
  EXPECT_TRUE(directory.find("anybodys", "v")->allowed);
}

TEST(AnswerDirectory, HasOneAnswerOfAnIdAndTellsItFromTheNext) {
  AnswerDirectory directory;
  Entry first(0, "a", ""), second(1, "a", "");
  ASSERT_TRUE(directory.enter(first));
  EXPECT_FALSE(directory.enter(second));
  directory.remove(second);  // was never entered
  const std::uint64_t run = directory.find("a", "")->run;
  EXPECT_EQ(directory.find("a", "")->worker, 0u);
  directory.remove(first);
  ASSERT_TRUE(directory.enter(second));
  EXPECT_NE(directory.find("a", "")->run, run);
  directory.remove(first);  // again: the second one stays
  EXPECT_TRUE(directory.find("a", ""));
}

}  // namespace
}  // namespace streaming
