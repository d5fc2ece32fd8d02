// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/responses_reader.h"

#include <gtest/gtest.h>

#include "support/answer_reading.h"

namespace streaming {
namespace {

AnswerReading read_response(const std::vector<std::string>& events) {
  return read_events<ResponsesReader>(events);
}

TEST(ResponsesReader, ReadsTextAndRefusals) {
  const AnswerReading reading = read_response(
      {R"({"type":"response.created","sequence_number":0,"response":{"id":"r","output":[]}})",
       R"({"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"Hi"})",
       R"({"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hi"})",
       R"({"type":"response.refusal.delta","delta":" no"})", R"({"type":"response.of_the_future","delta":"never"})"});
  EXPECT_EQ(reading.verdict, Verdict::kGoesOn);
  EXPECT_EQ(reading.sink.all_text(), "Hi no");
}

constexpr char kMessage[] = R"({"type":"message","content":[{"type":"output_text","text":"Hi"}]})";

TEST(ResponsesReader, TakesTextFromWhereverItIs) {
  const std::string piece = R"({"type":"response.output_text.delta","output_index":1,"delta":"Hi"})";
  const std::string done = R"({"type":"response.output_text.done","output_index":1,"text":"Hi"})";
  const std::string item =
      R"({"type":"response.output_item.done","output_index":1,"item":)" + std::string(kMessage) + "}";
  const std::string completed =
      R"({"type":"response.completed","response":{"output":[)" + std::string(kMessage) + "]}}";
  for (const std::vector<std::string>& events : std::vector<std::vector<std::string>>{
           {piece, done, item, completed}, {done, item, completed}, {item, completed}, {completed}}) {
    EXPECT_EQ(read_response(events).sink.all_text(), "Hi") << events.front();
  }
}

TEST(ResponsesReader, TakesRefusalsAndReasoningFromWhereverTheyAre) {
  const AnswerReading reading =
      read_response({R"({"type":"response.refusal.done","output_index":1,"refusal":"no"})",
            R"({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning",)"
            R"("summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"r"}]}})"});
  EXPECT_EQ(reading.sink.all_text(), "no");
  EXPECT_EQ(reading.sink.all(Kind::kReasoning), "sr");
}

TEST(ResponsesReader, TellsPartsApart) {
  const AnswerReading reading =
      read_response({R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"a"})",
            R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"b"})",
            R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"c"})"});
  ASSERT_EQ(reading.sink.events.size(), 3u);
  EXPECT_NE(reading.sink.events[0].index, reading.sink.events[1].index);
  EXPECT_EQ(reading.sink.events[1].index, reading.sink.events[2].index);
}

TEST(ResponsesReader, TakesEventsThatSayNothingForNothing) {
  for (const char* data : {"", "null"}) EXPECT_EQ(read_response({data}).verdict, Verdict::kGoesOn);
}

TEST(ResponsesReader, TellsReasoningFromText) {
  const AnswerReading reading = read_response({R"({"type":"response.reasoning_text.delta","delta":"h"})",
                                      R"({"type":"response.reasoning_summary_text.delta","delta":"m"})"});
  EXPECT_EQ(reading.sink.all(Kind::kReasoning), "hm");
  EXPECT_EQ(reading.sink.all_text(), "");
}

TEST(ResponsesReader, ReadsToolCallsByTheirOutputIndex) {
  const AnswerReading reading =
      read_response({R"({"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs"}})",
            R"({"type":"response.output_item.added","output_index":1,)"
            R"("item":{"type":"function_call","id":"fc","call_id":"call_1","name":"f","arguments":""}})",
            R"({"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"content\":\"x\"}"})",
            R"({"type":"response.function_call_arguments.done","output_index":1,"arguments":"{\"content\":\"x\"}"})",
            R"({"type":"response.completed","response":{"status":"completed"}})"});
  EXPECT_EQ(reading.sink.events, (std::vector<Event>{{Kind::kToolCall, 0, "", "call_1", "f"},
                                                     {Kind::kToolInput, 0, R"({"content":"x"})", "", ""},
                                                     {Kind::kWholeToolInput, 0, R"({"content":"x"})", "", ""}}));
  EXPECT_EQ(reading.finish_reason, FinishReason::kToolCalls);
}

TEST(ResponsesReader, EndsAtItsLastEventAndCountsTokens) {
  const AnswerReading reading = read_response(
      {R"({"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7,)"
       R"("input_tokens_details":{"cached_tokens":2},"output_tokens_details":{"reasoning_tokens":0}}}})"});
  EXPECT_EQ(reading.verdict, Verdict::kEnd);
  EXPECT_EQ(reading.finish_reason, FinishReason::kStop);
  EXPECT_EQ(reading.sink.usage, (Usage{3, 4, 2, 0}));
}

TEST(ResponsesReader, TellsWhyAnAnswerIsIncomplete) {
  for (const auto& [reason, expected] : {std::pair{"max_output_tokens", FinishReason::kLength},
                                         {"content_filter", FinishReason::kContentFilter},
                                         {"other", FinishReason::kOther}}) {
    const AnswerReading reading =
        read_response({R"({"type":"response.incomplete","response":{"incomplete_details":{"reason":")" + std::string(reason) +
              R"("}}})"});
    EXPECT_EQ(reading.verdict, Verdict::kEnd);
    EXPECT_EQ(reading.finish_reason, expected);
  }
}

TEST(ResponsesReader, SeesErrorsHoweverTheyAreReported) {
  for (const char* data : {R"({"type":"error","code":"x","message":"m"})", R"({"error":{"message":"m"}})",
                           R"({"type":"response.failed","response":{"error":{"code":"x"}}})"}) {
    EXPECT_EQ(read_response({data}).verdict, Verdict::kReported) << data;
  }
}

TEST(ResponsesReader, TakesNoAnswerForWholeWithoutItsLastEvent) {
  EXPECT_FALSE(read_response({R"({"type":"response.output_text.delta","delta":"Hi"})"}).may_end);
  EXPECT_FALSE(read_response({R"({"type":"response.output_text.done","text":"Hi"})"}).may_end);
}

TEST(ResponsesReader, SeesWhatIsNoEvent) {
  for (const char* data : {"<html>", "[1]", "[DONE]"}) {
    EXPECT_EQ(read_response({data}).verdict, Verdict::kMalformed) << data;
  }
}

}  // namespace
}  // namespace streaming
