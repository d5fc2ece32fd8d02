// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/chat_completion_reader.h"

#include <gtest/gtest.h>

#include "support/answer_reading.h"

namespace streaming {
namespace {

struct Parsed {
  Verdict verdict;
  std::string text;
  bool finished;
  RecordingSink sink;
};

Parsed parse(std::string data) {
  ChatCompletionReader reader;
  Parsed parsed{};
  SseEvent event{{}, {}, data};
  parsed.verdict = reader.read(event, parsed.sink);
  parsed.text = parsed.sink.all_text();
  parsed.finished = reader.may_end();
  return parsed;
}

TEST(ChatCompletionReader, ReadsTheTextOfTheFirstChoice) {
  EXPECT_EQ(parse(R"({"id":"x","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]})").text, "Hi");
  EXPECT_EQ(parse(R"({"choices": [ {"delta": {"content": "with spaces"}} ]})").text, "with spaces");
}

// Short chunks are read by recursion, long ones by a loop.
TEST(ChatCompletionReader, ReadsChunksOfAnySizeAndDepthAlike) {
  for (const std::size_t depth : {1u, 10u, 400u, 480u, 100'000u}) {
    const std::string nested = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_EQ(parse(R"({"choices":[{"delta":{"content":"\u0041"}}],"x":)" + nested + "}").text, "A") << depth;
    EXPECT_EQ(parse(R"({"choices":[{"delta":{"content":"A"}}],"x":)" + nested).verdict, Verdict::kMalformed) << depth;
  }
  const std::string text(10'000, 'a');
  EXPECT_EQ(parse(R"({"choices":[{"delta":{"content":")" + text + "\\n\"}}]}").text, text + "\n");
}

TEST(ChatCompletionReader, LeavesTheOtherAnswersOut) {
  EXPECT_EQ(parse(R"({"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]})").text,
            "a");
  const Parsed other = parse(R"({"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"stop"}]})");
  EXPECT_EQ(other.text, "");
  EXPECT_FALSE(other.finished);
}

TEST(ChatCompletionReader, UnescapesText) {
  EXPECT_EQ(parse(R"({"choices":[{"delta":{"content":"\u00e9 \ud83d\ude00 \"q\" \\ \n"}}]})").text,
            "\xC3\xA9 \xF0\x9F\x98\x80 \"q\" \\ \n");
}

TEST(ChatCompletionReader, SeesTheFinishReason) {
  EXPECT_FALSE(parse(R"({"choices":[{"delta":{"content":"x"},"finish_reason":null}]})").finished);
  EXPECT_TRUE(parse(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})").finished);
}

TEST(ChatCompletionReader, TakesChunksWithoutTextForEmptyText) {
  for (const char* data :
       {R"({"choices":[{"delta":{"role":"assistant","content":null}}]})", R"({"choices":[]})",
        R"({"choices":[],"usage":{"total_tokens":6}})", R"({"choices":[{"delta":{"content":7}}]})", R"({})",
        R"({"choices":{"delta":{"content":"not an array"}}})", R"({"error":null,"choices":[]})"}) {
    EXPECT_EQ(parse(data).verdict, Verdict::kGoesOn) << data;
    EXPECT_EQ(parse(data).text, "") << data;
  }
}

TEST(ChatCompletionReader, DoesNotTakeAToolCallsArgumentForText) {
  const Parsed chunk = parse(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"content\":\"secret\"}"}}]}}]})");
  EXPECT_EQ(chunk.verdict, Verdict::kGoesOn);
  EXPECT_EQ(chunk.text, "");
}

TEST(ChatCompletionReader, SeesAnErrorInTheStream) {
  EXPECT_EQ(parse(R"({"error":{"message":"overloaded"}})").verdict, Verdict::kReported);
  EXPECT_EQ(parse(R"({"error":"overloaded"})").verdict, Verdict::kReported);
  EXPECT_EQ(
      parse(R"({"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"x"}}]})")
          .verdict,
      Verdict::kReported);
  EXPECT_EQ(parse(R"({"choices":[{"delta":{},"finish_reason":"error"}]})").verdict, Verdict::kReported);
}

TEST(ChatCompletionReader, TakesAnEventOfTypeErrorForOneWhateverItsData) {
  for (std::string data : {R"({"code":"DataInspectionFailed","message":"x"})", "no JSON", ""}) {
    ChatCompletionReader reader;
    RecordingSink sink;
    SseEvent event{"error", {}, data};
    EXPECT_EQ(reader.read(event, sink), Verdict::kReported) << data;
  }
}

TEST(ChatCompletionReader, SeesWhatIsNoChunk) {
  EXPECT_EQ(parse("<html>").verdict, Verdict::kMalformed);
  EXPECT_EQ(parse("[1]").verdict, Verdict::kMalformed);
  EXPECT_EQ(parse(R"({"choices":[)").verdict, Verdict::kMalformed);
  EXPECT_EQ(parse("{\"x\":\"a\xf4\x15").verdict, Verdict::kMalformed);
}

TEST(ChatCompletionReader, ReplacesWhatIsNoUnicodeAndSaysSoOnce) {
  ChatCompletionReader reader;
  RecordingSink sink;
  for (std::string data :
       {R"({"choices":[{"delta":{"content":"a\ude00"}}]})", R"({"choices":[{"delta":{"content":"\ud83d"}}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"id":"\ud83d","function":{"name":"f"}}]}}]})",
        "{\"choices\":[{\"delta\":{\"content\":\"b\xff\"}}]}", R"({"choices":[{"delta":{"content":"\ud83d"}}]})"}) {
    SseEvent event{{}, {}, data};
    EXPECT_EQ(reader.read(event, sink), Verdict::kGoesOn);
  }
  EXPECT_EQ(sink.all_text(), "a��b�");
  reader.finish(sink);
  EXPECT_EQ(sink.all_text(), "a��b��") << "the half at the end has no other half";
  EXPECT_EQ(sink.count(Kind::kMended), 1u);
}

// A reader's result for several chunks.
AnswerReading read_chunks(const std::vector<std::string>& events) {
  return read_events<ChatCompletionReader>(events);
}

TEST(ChatCompletionReader, EndsAtDone) {
  for (const char* done : {"[DONE]", " [DONE]", "[DONE] "}) {
    EXPECT_EQ(read_chunks({R"({"choices":[]})", done}).verdict, Verdict::kEnd);
  }
}

TEST(ChatCompletionReader, TakesNoAnswerForWholeInWhichNoChunkHadChoices) {
  for (const char* data :
       {R"({"object":"error","message":"m","code":400})", R"({"text":"t","error_code":50001})", "null"}) {
    EXPECT_EQ(read_chunks({data, "[DONE]"}).verdict, Verdict::kMalformed) << data;
  }
  EXPECT_EQ(read_chunks({"[DONE]"}).verdict, Verdict::kMalformed);
}

TEST(ChatCompletionReader, TakesEventsThatSayNothingForNothing) {
  for (const char* data : {"", " ", "null", " null\n"}) {
    EXPECT_EQ(parse(data).verdict, Verdict::kGoesOn);
    EXPECT_TRUE(parse(data).sink.events.empty());
  }
}

TEST(ChatCompletionReader, ReadsContentThatIsAListOfParts) {
  const AnswerReading reading = read_chunks(
      {R"({"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":" is 14"}]}]}}]})",
       R"({"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"4."}],"closed":true},)"
       R"({"type":"text","text":"1"},{"type":"reference","reference_ids":[1]},{"text":"4"},7]}}]})",
       R"({"choices":[{"delta":{"content":"4"},"finish_reason":"stop"}]})"});
  EXPECT_EQ(reading.sink.all_text(), "144");
  EXPECT_EQ(reading.sink.all(Kind::kReasoning), " is 144.");
}

TEST(ChatCompletionReader, KeepsTheFinishReason) {
  ChatCompletionReader reader;
  RecordingSink sink;
  std::string data = R"({"choices":[{"delta":{},"finish_reason":"length"}]})";
  SseEvent event{{}, {}, data};
  EXPECT_EQ(reader.read(event, sink), Verdict::kGoesOn);
  EXPECT_EQ(reader.finish_reason(), FinishReason::kLength);
}

TEST(ChatCompletionReader, TellsReasoningFromTextByEitherVendorsName) {
  for (const char* data : {R"({"choices":[{"delta":{"reasoning_content":"hm","content":""}}]})",
                           R"({"choices":[{"delta":{"reasoning":"hm"}}]})"}) {
    EXPECT_EQ(parse(data).sink.all(Kind::kReasoning), "hm") << data;
    EXPECT_EQ(parse(data).text, "") << data;
  }
}

TEST(ChatCompletionReader, HandsReasoningOnOnceThatHasBothNames) {
  EXPECT_EQ(
      parse(R"({"choices":[{"delta":{"reasoning_content":"Think","reasoning":"Think"}}]})").sink.all(Kind::kReasoning),
      "Think");
}

TEST(ChatCompletionReader, TakesARefusalForText) {
  EXPECT_EQ(parse(R"({"choices":[{"delta":{"refusal":"no"}}]})").text, "no");
}

TEST(ChatCompletionReader, TellsTheBeginOfAToolCallFromItsArguments) {
  const Parsed begin = parse(
      R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"call_1","function":{"name":"f","arguments":"{"}}]}}]})");
  EXPECT_EQ(begin.sink.events,
            (std::vector<Event>{{Kind::kToolCall, 0, "", "call_1", "f"}, {Kind::kToolInput, 0, "{", "", ""}}));
  const Parsed more = parse(R"({"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}}]})");
  EXPECT_EQ(more.sink.events, (std::vector<Event>{{Kind::kToolInput, 0, "}", "", ""}}));
}

TEST(ChatCompletionReader, ReadsTheUsage) {
  const Parsed chunk = parse(R"({"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":4,"total_tokens":6}})");
  EXPECT_EQ(chunk.sink.usage.input_tokens, 2u);
  EXPECT_EQ(chunk.sink.usage.output_tokens, 4u);
  const Parsed detailed = parse(
      R"({"choices":[],"usage":{"prompt_tokens":2,"prompt_tokens_details":{"cached_tokens":1},)"
      R"("completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":3}}})");
  EXPECT_EQ(detailed.sink.usage, (Usage{2, 4, 1, 3}));
  EXPECT_EQ(chunk.sink.usage, (Usage{2, 4, std::nullopt, std::nullopt})) << "what is not reported is not 0";
  const Parsed groq = parse(R"({"choices":[],"x_groq":{"usage":{"prompt_tokens":2,"completion_tokens":4}}})");
  EXPECT_EQ(groq.sink.usage.output_tokens, 4u);
}

TEST(ChatCompletionReader, KeepsTheUsageWhereALaterChunkHasNone) {
  const AnswerReading reading = read_chunks({R"({"usage":{"prompt_tokens":2,"completion_tokens":4}})",
                                      R"({"usage":{"prompt_tokens":null,"completion_tokens":null}})"});
  EXPECT_EQ(reading.sink.usage.input_tokens, 2u);
  EXPECT_EQ(reading.sink.usage.output_tokens, 4u);
}

}  // namespace
}  // namespace streaming
