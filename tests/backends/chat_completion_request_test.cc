#include "backends/chat_completion_request.h"

#include <gtest/gtest.h>

#include "base/json_input.h"

namespace streaming {
namespace {

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
