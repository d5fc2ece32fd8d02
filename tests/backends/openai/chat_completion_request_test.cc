// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/chat_completion_request.h"

#include <gtest/gtest.h>

#include "support/parsed_payload.h"

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
  const auto request = parsed(
      R"({"model":"mine","prompt":"unused","messages":[{"role":"user","content":[{"type":"text","text":"é"}]}]})");
  EXPECT_EQ(chat_completion_request(*request, "default-model"),
            R"({"model":"mine","messages":[{"role":"user","content":[{"type":"text","text":"é"}]}],)"
            R"("stream":true,"stream_options":{"include_usage":true}})");
}

std::string chat_body(const char* payload) {
  return chat_completion_request(*parsed(payload), "m");
}

TEST(ChatCompletionRequest, PassesOnWhatElseIsAskedFor) {
  EXPECT_EQ(chat_body(R"({"prompt":"p","temperature":1,"request":{"tools":[{"type":"function"}],"n":1,"temperature":0,)"
                    R"("response_format":{"type":"json_object"},"seed":null}})"),
            R"({"model":"m","messages":[{"role":"user","content":"p"}],"stream":true,)"
            R"("stream_options":{"include_usage":true},"temperature":1.0,"tools":[{"type":"function"}],"n":1,)"
            R"("response_format":{"type":"json_object"},"seed":null})");
}

TEST(ChatCompletionRequest, TakesFromTheRequestWhatNobodyElseSays) {
  EXPECT_EQ(
      chat_body(R"({"system":"s","request":{"model":"mine","messages":[{"role":"user","content":"u"}],"stream":false,)"
              R"("stream_options":{"include_usage":false,"include_obfuscation":false}}})"),
      R"({"model":"mine","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"stream":true,)"
      R"("stream_options":{"include_usage":true,"include_obfuscation":false}})");
  EXPECT_EQ(chat_body(R"({"prompt":"p","model":"theirs","request":{"model":"mine","messages":[]}})"),
            R"({"model":"theirs","messages":[{"role":"user","content":"p"}],"stream":true,)"
            R"("stream_options":{"include_usage":true}})");
}

TEST(ChatCompletionRequest, AsksForNoUsageWhereTheServerKnowsNoSuchOption) {
  EXPECT_EQ(chat_body(R"({"prompt":"p","request":{"stream_options":null}})"),
            R"({"model":"m","messages":[{"role":"user","content":"p"}],"stream":true})");
}

}  // namespace
}  // namespace streaming
