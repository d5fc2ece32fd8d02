// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_record.h"

#include <gtest/gtest.h>

#include "answers/limits.h"
#include "sse/limits.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

TEST(AnswerRecord, JoinsTheTextsOfEachKind) {
  ByteBudget budget(kMaxRecordsBytes);
  AnswerRecord record(budget);
  record.add({.kind = Kind::kReasoning, .text = "Six "});
  record.add({.kind = Kind::kText, .text = "It "});
  record.add({.kind = Kind::kReasoning, .text = "times"});
  record.add({.kind = Kind::kText, .index = 1, .text = "is 42"});
  record.add({.kind = Kind::kUpstream, .text = "{}"});
  EXPECT_EQ(record.text(), "It is 42");
  EXPECT_EQ(record.reasoning(), "Six times");
  EXPECT_FALSE(record.cut());
}

TEST(AnswerRecord, PutsToolCallsTogetherThatComeMixed) {
  ByteBudget budget(kMaxRecordsBytes);
  AnswerRecord record(budget);
  record.add({.kind = Kind::kToolInput, .index = 1, .text = "{\"a\":"});
  record.add({.kind = Kind::kToolCall, .index = 0, .id = "c0", .name = "clock"});
  record.add({.kind = Kind::kToolCall, .index = 1, .name = "weather"});
  record.add({.kind = Kind::kWholeToolInput, .index = 0, .text = "{}"});
  record.add({.kind = Kind::kToolInput, .index = 1, .text = "1}"});
  record.add({.kind = Kind::kToolCall, .index = 1, .id = "c1"});
  record.add({.kind = Kind::kWholeToolInput, .index = 0, .text = "{\"tz\":0}"});
  record.add({.kind = Kind::kWholeToolInput, .index = 1, .text = "{}"});
  ASSERT_EQ(record.tool_calls().size(), 2u);
  EXPECT_EQ(record.tool_calls()[0].id, "c0");
  EXPECT_EQ(record.tool_calls()[0].input, "{\"tz\":0}") << "the last one holds";
  EXPECT_EQ(record.tool_calls()[1].id, "c1");
  EXPECT_EQ(record.tool_calls()[1].name, "weather");
  EXPECT_EQ(record.tool_calls()[1].input, "{\"a\":1}") << "the pieces hold";
}

TEST(AnswerRecord, IsCutAtItsLimitBetweenTwoCharacters) {
  ByteBudget budget(kMaxRecordsBytes);
  AnswerRecord record(budget);
  record.add({.kind = Kind::kReasoning, .text = std::string(kMaxRecordBytes - 3, 'r')});
  record.add({.kind = Kind::kText, .text = "a\xF0\x9F\x98\x80z"});
  record.add({.kind = Kind::kText, .text = "z"});
  EXPECT_EQ(record.text(), "a");
  EXPECT_TRUE(record.cut());
}

TEST(AnswerRecord, IsCutIfAllTogetherHoldTooMuch) {
  ByteBudget budget(10'000);
  AnswerRecord other(budget);
  other.add({.kind = Kind::kText, .text = std::string(4000, 'o')});
  {
    AnswerRecord record(budget);
    for (int i = 0; i < 10'000; ++i) record.add({.kind = Kind::kText, .text = "r"});
    EXPECT_TRUE(record.cut());
    EXPECT_LT(record.text().size(), 6000u);
  }
  EXPECT_FALSE(other.cut());
  EXPECT_LT(budget.held(), 10'000u) << "it is given back";
}

TEST(AnswerRecord, HasNoMoreToolCallsThanAClientGets) {
  ByteBudget budget(kMaxRecordsBytes);
  AnswerRecord record(budget);
  record.add({.kind = Kind::kToolCall, .index = kMaxToolCalls, .name = "n"});
  EXPECT_TRUE(record.tool_calls().empty());
  EXPECT_TRUE(record.cut());
}

}  // namespace
}  // namespace streaming
