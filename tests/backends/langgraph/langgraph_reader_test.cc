// SPDX-License-Identifier: Apache-2.0
#include "backends/langgraph/langgraph_reader.h"

#include <gtest/gtest.h>

#include <optional>

#include "backends/limits.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

using Verdict = AnswerReader::Verdict;
using Kind = AnswerEvent::Kind;
using Event = RecordingSink::Event;

class LangGraphReaderTest : public testing::Test {
 protected:
  Verdict read(std::string_view type, std::string data) {
    SseEvent event{type, {}, data};
    return reader->read(event, sink);
  }
  // Another run.
  void restart() { reader.emplace(); }
  // A delta in mode messages-tuple.
  Verdict delta(const std::string& message) {
    return read("messages", "[" + message + R"(,{"langgraph_node":"model"}])");
  }

  std::optional<LangGraphReader> reader{std::in_place};
  RecordingSink sink;
};

TEST_F(LangGraphReaderTest, TakesDeltasOfTheModelsMessagesForText) {
  EXPECT_EQ(delta(R"({"type":"AIMessageChunk","id":"m","content":"Hel"})"), Verdict::kGoesOn);
  EXPECT_EQ(delta(R"({"content":"lo \u00e9\ud83d\ude00","type":"ai","id":"m"})"), Verdict::kGoesOn);
  EXPECT_EQ(sink.all_text(), "Hello é😀");
}

TEST_F(LangGraphReaderTest, TakesOtherMessagesForNoText) {
  for (const char* type : {"human", "tool", "system", "HumanMessage", "ToolMessage"}) {
    EXPECT_EQ(delta(std::string(R"({"content":"no","type":")") + type + "\"}"), Verdict::kGoesOn);
  }
  EXPECT_EQ(delta(R"({"content":"no"})"), Verdict::kGoesOn);
  EXPECT_EQ(delta("7"), Verdict::kGoesOn);
  EXPECT_TRUE(sink.events.empty());
}

TEST_F(LangGraphReaderTest, ReadsAListOfBlocks) {
  delta(R"({"type":"ai","content":["a",{"type":"text","text":"b"},{"type":"thinking","thinking":"T"},)"
        R"({"type":"reasoning","reasoning":"R","summary":[{"type":"summary_text","text":"S"}]},)"
        R"({"type":"image_url","image_url":{"text":"no"}},{"type":"input_json_delta","input":"no"},7,null]})");
  delta(R"({"type":"ai","content":"","additional_kwargs":{"reasoning_content":"D"}})");
  EXPECT_EQ(sink.all_text(), "ab");
  EXPECT_EQ(sink.all(Kind::kReasoning), "TRSD");
}

TEST_F(LangGraphReaderTest, ReadsSubgraphsToo) {
  EXPECT_EQ(read("messages|child:1|x", R"([{"type":"ai","content":"sub"},{}])"), Verdict::kGoesOn);
  EXPECT_EQ(sink.all_text(), "sub");
}

TEST_F(LangGraphReaderTest, ReadsPrettyPrintedJson) {
  EXPECT_EQ(read("messages", "[\n  {\n    \"type\": \"ai\",\n    \"content\": \"x\"\n  },\n  {}\n]"), Verdict::kGoesOn);
  EXPECT_EQ(sink.all_text(), "x");
}

TEST_F(LangGraphReaderTest, HandsOnWhatIsNewOfAccumulatedMessages) {
  read("messages/metadata", R"({"m":{}})");
  read("messages/partial", R"([{"type":"ai","id":"m","content":"é"}])");
  read("messages/partial", R"([{"type":"ai","id":"m","content":"éa"},{"type":"ai","id":"n","content":"N"}])");
  read("messages/complete", R"([{"type":"ai","id":"m","content":[{"type":"text","text":"éa"},"b"]}])");
  EXPECT_EQ(sink.all_text(), "éaNb");
}

TEST_F(LangGraphReaderTest, RepeatsNothingOfWhatTheThreadRemembers) {
  read("messages/complete", R"([{"type":"human","id":"h","content":"q"},{"type":"ai","id":"old","content":"old"}])");
  EXPECT_EQ(sink.all_text(), "");
}

TEST_F(LangGraphReaderTest, PutsCharactersTogetherThatTheServerHasCut) {
  delta(R"({"type":"ai","id":"m","content":"a\ud83d"})");
  delta(R"({"type":"ai","id":"m","content":"\ude00b"})");
  EXPECT_EQ(sink.all_text(), "a😀b");

  restart();
  sink = {};
  read("messages/partial", R"([{"type":"ai","id":"m","content":"a\ud83d"}])");
  EXPECT_EQ(sink.all_text(), "a");
  read("messages/partial", R"([{"type":"ai","id":"m","content":"a😀b"}])");
  EXPECT_EQ(sink.all_text(), "a😀b");
}

TEST_F(LangGraphReaderTest, CutsNoCharacterOfAMessageThatWasRewritten) {
  read("messages/partial", R"([{"type":"ai","id":"m","content":"a"}])");
  read("messages/partial", R"([{"type":"ai","id":"m","content":"éb"}])");
  EXPECT_EQ(sink.all_text(), "ab");
}

TEST_F(LangGraphReaderTest, ReadsTheTextOnceWhereBothModesWereAskedFor) {
  delta(R"({"type":"ai","id":"m","content":"x"})");
  read("messages/partial", R"([{"type":"ai","id":"m","content":"x"}])");
  EXPECT_EQ(sink.all_text(), "x");
}

TEST_F(LangGraphReaderTest, NumbersToolCallsOverAllMessagesOfTheRun) {
  delta(R"({"type":"AIMessageChunk","id":"m","content":"","tool_call_chunks":[)"
        R"({"name":"f","args":"{\"a\"","id":"c1","index":0},{"name":"g","args":"","id":"c2","index":1}]})");
  delta(R"({"type":"AIMessageChunk","id":"n","tool_call_chunks":[{"name":"h","args":"{}","id":"c3","index":0}]})");
  delta(R"({"type":"AIMessageChunk","id":"m","tool_call_chunks":[{"name":null,"args":":1}","id":null,"index":0}]})");
  EXPECT_EQ(sink.events, (std::vector<Event>{{Kind::kToolCall, 0, "", "c1", "f"},
                                             {Kind::kToolInput, 0, "{\"a\"", "", ""},
                                             {Kind::kToolCall, 1, "", "c2", "g"},
                                             {Kind::kToolCall, 2, "", "c3", "h"},
                                             {Kind::kToolInput, 2, "{}", "", ""},
                                             {Kind::kToolInput, 0, ":1}", "", ""}}));
}

TEST_F(LangGraphReaderTest, ReadsTheToolCallsOfAMessageThatWasNotStreamed) {
  for (int i = 0; i < 2; ++i) {
    delta(R"({"type":"ai","id":"m","content":"","tool_calls":[{"name":"f","args":{"content":"no"},"id":"c"}]})");
  }
  EXPECT_EQ(sink.count(Kind::kToolCall), 1u);
  EXPECT_EQ(sink.events[1], (Event{Kind::kWholeToolInput, 0, "{\"content\":\"no\"}", "", ""}));
}

TEST_F(LangGraphReaderTest, TellsMessagesAndTheirPartsApart) {
  delta(R"({"type":"ai","id":"m","content":"a"})");
  delta(R"({"type":"ai","id":"n","content":[{"type":"text","text":"b","index":0}]})");
  delta(R"({"type":"ai","id":"n","content":[{"type":"text","text":"c","index":0}]})");
  delta(R"({"type":"ai","id":"n","content":[{"type":"text","text":"d","index":2}]})");
  ASSERT_EQ(sink.events.size(), 4u);
  EXPECT_NE(sink.events[0].index, sink.events[1].index);
  EXPECT_EQ(sink.events[1].index, sink.events[2].index);
  EXPECT_NE(sink.events[2].index, sink.events[3].index);
}

TEST_F(LangGraphReaderTest, HandsReasoningOnOnceThatStandsInTwoPlaces) {
  delta(R"({"type":"ai","id":"m","content":[{"type":"thinking","thinking":"T"}],)"
        R"("additional_kwargs":{"reasoning_content":"T"}})");
  EXPECT_EQ(sink.all(Kind::kReasoning), "T");
}

TEST_F(LangGraphReaderTest, AddsTheUsageOfAllMessagesUp) {
  delta(R"({"type":"ai","id":"m","usage_metadata":{"input_tokens":3,"output_tokens":0}})");
  delta(R"({"type":"ai","id":"m","usage_metadata":{"input_tokens":0,"output_tokens":4}})");
  delta(R"({"type":"ai","id":"n","usage_metadata":{"input_tokens":5,"output_tokens":6}})");
  EXPECT_EQ(sink.usage, (Usage{8, 10, std::nullopt, std::nullopt}));
  delta(R"({"type":"ai","id":"n","usage_metadata":{"input_tokens":1,"output_tokens":1,)"
        R"("input_token_details":{"cache_read":1},"output_token_details":{"reasoning":1}}})");
  EXPECT_EQ(sink.usage, (Usage{9, 11, 1, 1}));
}

TEST_F(LangGraphReaderTest, TakesTheLastUsageOfAnAccumulatedMessage) {
  read("messages/partial", R"([{"type":"ai","id":"m","usage_metadata":{"input_tokens":3,"output_tokens":1}}])");
  read("messages/partial", R"([{"type":"ai","id":"m","usage_metadata":{"input_tokens":3,"output_tokens":2}}])");
  EXPECT_EQ(sink.usage.input_tokens, 3u);
  EXPECT_EQ(sink.usage.output_tokens, 2u);
}

TEST_F(LangGraphReaderTest, TakesTheLastMessagesReasonForTheAnswers) {
  EXPECT_EQ(reader->finish_reason(), FinishReason::kStop);
  delta(R"({"type":"ai","id":"m","response_metadata":{"finish_reason":"tool_calls"}})");
  EXPECT_EQ(reader->finish_reason(), FinishReason::kToolCalls);
  delta(R"({"type":"ai","id":"n","content":"x"})");
  EXPECT_EQ(reader->finish_reason(), FinishReason::kStop);
  delta(R"({"type":"ai","id":"n","response_metadata":{"stop_reason":"max_tokens"}})");
  EXPECT_EQ(reader->finish_reason(), FinishReason::kLength);
}

TEST_F(LangGraphReaderTest, EndsAtEndOrWithTheBodyOnceTheRunHasBegun) {
  EXPECT_FALSE(reader->may_end_with_body()) << "nothing has come";
  EXPECT_EQ(read("metadata", R"({"run_id":"r"})"), Verdict::kGoesOn);
  EXPECT_TRUE(reader->may_end_with_body());
  EXPECT_FALSE(reader->may_end()) << "the connection broke";
  EXPECT_EQ(read("end", "null"), Verdict::kEnd);
}

TEST_F(LangGraphReaderTest, SeesAnErrorInTheStream) {
  EXPECT_EQ(read("error", R"({"error":"Error","message":"secret"})"), Verdict::kReported);
  EXPECT_EQ(read("error", "not JSON"), Verdict::kReported);
}

TEST_F(LangGraphReaderTest, LooksIntoNoEventButMessages) {
  for (const char* type : {"values", "updates", "custom", "debug", "events", "metadata", "", "messages-other"}) {
    EXPECT_EQ(read(type, "not JSON"), Verdict::kGoesOn) << type;
  }
  EXPECT_TRUE(sink.events.empty());
}

TEST_F(LangGraphReaderTest, SeesWhatIsNoMessage) {
  for (const char* data : {"<html>", "{}", "[]", "[{\"type\":\"ai\""}) {
    EXPECT_EQ(LangGraphReaderTest::read("messages", data), Verdict::kMalformed) << data;
  }
  restart();
  EXPECT_EQ(read("messages/partial", "{}"), Verdict::kMalformed);
}

TEST_F(LangGraphReaderTest, RefusesArgumentsThatAreNestedTooDeep) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(delta(R"({"type":"ai","tool_calls":[{"name":"f","args":)" + deep + "}]}"), Verdict::kMalformed);
}

TEST_F(LangGraphReaderTest, KeepsNoMoreThanItsLimits) {
  for (std::size_t i = 0; i <= kMaxRunParts; ++i) {
    const Verdict verdict = read("messages/partial", R"([{"type":"ai","id":")" + std::to_string(i) + "\"}]");
    ASSERT_EQ(verdict, i < kMaxRunParts ? Verdict::kGoesOn : Verdict::kMalformed) << i;
  }
}

TEST(LangGraphRunPath, NamesTheRunOfAThreadAndNothingElse) {
  EXPECT_EQ(LangGraphReader::run_path_of("/threads/t-1/runs/r-1"), "/threads/t-1/runs/r-1");
  EXPECT_EQ(LangGraphReader::run_path_of("https://host/prefix/threads/t/runs/r"), "/threads/t/runs/r");
  for (const char* location :
       {"", "/runs/r-1", "/threads/t", "/threads//runs/r", "/threads/t/runs/", "/threads/t/runs/r/x",
        "/threads/../runs/r", "/threads/t/runs/r?x", "/threads/a/b/runs/r"}) {
    EXPECT_EQ(LangGraphReader::run_path_of(location), "") << location;
  }
}

}  // namespace
}  // namespace streaming
