#include "backends/chat_completion.h"

#include "base/json_input.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

using Kind = ChatCompletionChunk::Kind;

struct Parsed {
  Kind kind;
  std::string text;
  bool finished;
};

Parsed parse(std::string data) {
  const ChatCompletionChunk chunk = parse_chat_completion_chunk(data);
  return {chunk.kind, std::string(chunk.text), chunk.finished};
}

TEST(ChatCompletionChunk, ReadsTheTextOfTheFirstChoice) {
  EXPECT_EQ(parse(R"({"id":"x","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]})").text, "Hi");
  EXPECT_EQ(parse(R"({"choices": [ {"delta": {"content": "with spaces"}} ]})").text, "with spaces");
}

TEST(ChatCompletionChunk, UnescapesText) {
  EXPECT_EQ(parse(R"({"choices":[{"delta":{"content":"\u00e9 \ud83d\ude00 \"q\" \\ \n"}}]})").text,
            "\xC3\xA9 \xF0\x9F\x98\x80 \"q\" \\ \n");
}

TEST(ChatCompletionChunk, SeesTheFinishReason) {
  EXPECT_FALSE(parse(R"({"choices":[{"delta":{"content":"x"},"finish_reason":null}]})").finished);
  EXPECT_TRUE(parse(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})").finished);
}

TEST(ChatCompletionChunk, TakesChunksWithoutTextForEmptyText) {
  for (const char* data :
       {R"({"choices":[{"delta":{"role":"assistant","content":null}}]})", R"({"choices":[]})",
        R"({"choices":[],"usage":{"total_tokens":6}})", R"({"choices":[{"delta":{"content":7}}]})", R"({})",
        R"({"choices":{"delta":{"content":"not an array"}}})", R"({"error":null,"choices":[]})"}) {
    EXPECT_EQ(parse(data).kind, Kind::kDelta) << data;
    EXPECT_EQ(parse(data).text, "") << data;
  }
}

TEST(ChatCompletionChunk, DoesNotTakeAToolCallsArgumentForText) {
  const Parsed chunk = parse(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"content\":\"secret\"}"}}]}}]})");
  EXPECT_EQ(chunk.kind, Kind::kDelta);
  EXPECT_EQ(chunk.text, "");
}

TEST(ChatCompletionChunk, SeesAnErrorInTheStream) {
  EXPECT_EQ(parse(R"({"error":{"message":"overloaded"}})").kind, Kind::kError);
  EXPECT_EQ(parse(R"({"error":"overloaded"})").kind, Kind::kError);
}

TEST(ChatCompletionChunk, SeesWhatIsNoChunk) {
  EXPECT_EQ(parse("<html>").kind, Kind::kMalformed);
  EXPECT_EQ(parse("[1]").kind, Kind::kMalformed);
  EXPECT_EQ(parse(R"({"choices":[)").kind, Kind::kMalformed);
  EXPECT_EQ(parse("{\"a\":\"\xff\"}").kind, Kind::kMalformed);
  EXPECT_EQ(parse("").kind, Kind::kMalformed);
  EXPECT_EQ(parse("{\"x\":\"a\xf4\x15").kind, Kind::kMalformed);
  EXPECT_EQ(parse(R"({"choices":[{"delta":{"content":"\ude00"}}]})").kind, Kind::kMalformed);
}

TEST(ChatCompletionRequest, AsksForAStreamOfThePrompt) {
  HandoffRequest request;
  request.prompt = "say \"hi\"";
  request.system = "be brief";
  request.max_tokens = 9;
  request.temperature = 0.5;
  EXPECT_EQ(chat_completion_request(request, "default-model"),
            R"({"model":"default-model","messages":[{"role":"system","content":"be brief"},)"
            R"({"role":"user","content":"say \"hi\""}],"stream":true,"stream_options":{"include_usage":true},)"
            R"("max_tokens":9,"temperature":0.5})");
}

TEST(ChatCompletionRequest, PassesTheConversationOnAsItIs) {
  std::string payload =
      R"({"model":"mine","prompt":"unused","messages":[{"role":"user","content":[{"type":"text","text":"é"}]}]})";
  HandoffRequestParser parser;
  const std::size_t size = payload.size();
  payload.append(kJsonPadding, '\0');
  const Result<HandoffRequest> request = parser.parse({payload.data(), size});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(chat_completion_request(request.value(), "default-model"),
            R"({"model":"mine","messages":[{"role":"user","content":[{"type":"text","text":"é"}]}],)"
            R"("stream":true,"stream_options":{"include_usage":true}})");
}

}  // namespace
}  // namespace streaming
