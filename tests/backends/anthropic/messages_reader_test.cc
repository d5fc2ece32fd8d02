// SPDX-License-Identifier: Apache-2.0
#include "backends/anthropic/messages_reader.h"

#include <gtest/gtest.h>

#include "support/answer_reading.h"

namespace streaming {
namespace {

AnswerReading read(const std::vector<std::string>& events) {
  return read_events<MessagesReader>(events);
}

TEST(MessagesReader, ReadsText) {
  const AnswerReading reading = read(
      {R"({"type":"message_start","message":{"content":[],"usage":{"input_tokens":12,"output_tokens":1}}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":"H"}})", R"({"type":"ping"})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"i"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"text":"no"}}})",
       R"({"type":"content_block_stop","index":0})", R"({"type":"of_the_future","text":"never"})"});
  EXPECT_EQ(reading.verdict, Verdict::kGoesOn);
  EXPECT_EQ(reading.sink.all_text(), "Hi");
  EXPECT_FALSE(reading.may_end);
}

TEST(MessagesReader, TellsThinkingFromText) {
  const AnswerReading reading =
      read({R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}})",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}})"});
  EXPECT_EQ(reading.sink.all(Kind::kReasoning), "hm");
  EXPECT_EQ(reading.sink.all_text(), "");
}

TEST(MessagesReader, ReadsToolCallsByTheirBlocksIndexButNotTheVendorsOwn) {
  const AnswerReading reading = read(
      {R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"text\":"}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}})",
       R"({"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"s","name":"web_search"}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}})"});
  EXPECT_EQ(reading.sink.events, (std::vector<Event>{{Kind::kToolCall, 0, "", "toolu_1", "f"},
                                                     {Kind::kToolInput, 0, R"({"text":)", "", ""},
                                                     {Kind::kToolInput, 0, "1}", "", ""}}));
}

TEST(MessagesReader, OverwritesTheCountsOfTokens) {
  const AnswerReading reading = read(
      {R"({"type":"message_start","message":{"usage":{"input_tokens":12,"cache_read_input_tokens":100,"output_tokens":1}}})",
       R"({"type":"message_delta","delta":{},"usage":{"output_tokens":5}})",
       R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}})"});
  EXPECT_EQ(reading.sink.usage, (Usage{112, 9, 100, std::nullopt}));
}

TEST(MessagesReader, EndsAtMessageStopAndTellsWhy) {
  for (const auto& [word, reason] : {std::pair{"end_turn", FinishReason::kStop},
                                     {"stop_sequence", FinishReason::kStop},
                                     {"max_tokens", FinishReason::kLength},
                                     {"tool_use", FinishReason::kToolCalls},
                                     {"refusal", FinishReason::kContentFilter},
                                     {"pause_turn", FinishReason::kOther}}) {
    const AnswerReading reading =
        read({R"({"type":"message_delta","delta":{"stop_reason":")" + std::string(word) + R"("}})",
              R"({"type":"message_stop"})"});
    EXPECT_EQ(reading.verdict, Verdict::kEnd);
    EXPECT_EQ(reading.finish_reason, reason) << word;
  }
  EXPECT_FALSE(read({R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})"}).may_end);
}

TEST(MessagesReader, MayEndWithTheBodyBehindTheStopReason) {
  EXPECT_TRUE(read({R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})"}).may_end_with_body);
  EXPECT_FALSE(read({R"({"type":"message_delta","delta":{"stop_reason":null}})"}).may_end_with_body);
}

TEST(MessagesReader, RefusesAnAnswerInWhichTwoMessagesAreMixed) {
  const std::string first = R"({"type":"message_start","message":{"id":"a"}})";
  EXPECT_EQ(read({first, R"({"type":"message_start","message":{"id":"b"}})"}).verdict, Verdict::kMalformed);
  EXPECT_EQ(read({first, first}).verdict, Verdict::kGoesOn);
}

TEST(MessagesReader, TellsBlocksApart) {
  const AnswerReading reading =
      read({R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}})",
            R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"b"}})"});
  ASSERT_EQ(reading.sink.events.size(), 2u);
  EXPECT_NE(reading.sink.events[0].index, reading.sink.events[1].index);
}

TEST(MessagesReader, TakesEventsThatSayNothingForNothing) {
  for (const char* data : {"", "null"}) EXPECT_EQ(read({data}).verdict, Verdict::kGoesOn);
}

TEST(MessagesReader, SeesAnError) {
  EXPECT_EQ(read({R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"}).verdict,
            Verdict::kReported);
  EXPECT_EQ(read({R"({"error":{"message":"a gateway's"}})"}).verdict, Verdict::kReported);
}

TEST(MessagesReader, SeesWhatIsNoEvent) {
  for (const char* data : {"<html>", "[1]", "{"}) {
    EXPECT_EQ(read({data}).verdict, Verdict::kMalformed) << data;
  }
}

}  // namespace
}  // namespace streaming
