// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_directory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace streaming {
namespace {

class Entry : public AnswerDirectory::Entry {
 public:
  Entry(std::uint32_t worker, const std::string& id, const std::string& user)
      : AnswerDirectory::Entry(worker, names_, id.size(), user.size()) {
    (id + user).copy(names_, sizeof names_);
  }

 private:
  char names_[32];
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

TEST(AnswerDirectory, FindsEachOfManyThatComeAndGo) {
  AnswerDirectory directory;
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 3000; ++i) entries.push_back(std::make_unique<Entry>(0, "answer-" + std::to_string(i), ""));
  std::set<std::size_t> entered;
  for (int step = 0; step < 30'000; ++step) {
    // It grows at first, and shrinks at last.
    const std::size_t chosen = random() % entries.size();
    const bool enters = static_cast<int>(random() % 30'000) > step;
    if (enters) {
      EXPECT_EQ(directory.enter(*entries[chosen]), entered.insert(chosen).second);
    } else {
      directory.remove(*entries[chosen]);
      entered.erase(chosen);
    }
    if (step % 1000 != 0) continue;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      ASSERT_EQ(directory.find_own(entries[i]->id(), 0), entered.contains(i) ? entries[i].get() : nullptr) << i;
    }
  }
  EXPECT_EQ(directory.size(), entered.size());
}

}  // namespace
}  // namespace streaming
