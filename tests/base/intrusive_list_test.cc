// SPDX-License-Identifier: Apache-2.0
#include "base/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>

namespace streaming {
namespace {

struct Member : ListNode {
  explicit Member(int member_number) : number(member_number) {}
  int number;
};

TEST(IntrusiveList, GivesMembersBackInTheOrderTheyCame) {
  IntrusiveList<Member> list;
  Member first(1), second(2);
  list.push_back(first);
  list.push_back(second);
  EXPECT_EQ(list.pop_front(), &first);
  EXPECT_EQ(list.pop_front(), &second);
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveList, ForgetsAMemberThatUnlinksItselfOrIsDestroyed) {
  IntrusiveList<Member> list;
  Member stays(1), leaves(2);
  auto dies = std::make_unique<Member>(3);
  list.push_back(leaves);
  list.push_back(*dies);
  list.push_back(stays);
  leaves.unlink();
  dies.reset();
  EXPECT_FALSE(leaves.linked());
  EXPECT_EQ(list.pop_front(), &stays);
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, UnlinksItsMembersWhenItIsDestroyed) {
  Member member(1);
  {
    IntrusiveList<Member> list;
    list.push_back(member);
  }
  EXPECT_FALSE(member.linked());
}

TEST(IntrusiveList, SpliceMovesAllMembersToTheEnd) {
  IntrusiveList<Member> target, source;
  Member first(1), second(2), third(3);
  target.push_back(first);
  source.push_back(second);
  source.push_back(third);
  target.splice_back(source);
  EXPECT_TRUE(source.empty());
  source.splice_back(source);
  target.splice_back(source);
  EXPECT_EQ(target.front()->number, 1);
  EXPECT_EQ(target.pop_front()->number, 1);
  EXPECT_EQ(target.pop_front()->number, 2);
  EXPECT_EQ(target.pop_front()->number, 3);
  EXPECT_TRUE(target.empty());
  EXPECT_EQ(target.front(), nullptr);
}

TEST(IntrusiveListDeathTest, AMemberOfTwoListsIsADefect) {
  IntrusiveList<Member> one, other;
  Member member(1);
  one.push_back(member);
  EXPECT_DEATH(other.push_back(member), "check failed");
}

}  // namespace
}  // namespace streaming
