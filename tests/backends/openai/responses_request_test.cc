// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/responses_request.h"

#include <gtest/gtest.h>

#include "support/parsed_payload.h"

namespace streaming {
namespace {

std::string responses_body(const char* payload) {
  return responses_request(*parsed(payload), "m");
}

TEST(ResponsesRequest, AsksForAStreamOfThePrompt) {
  EXPECT_EQ(responses_body(R"({"prompt":"hi","system":"be brief","max_tokens":9,"temperature":0.5})"),
            R"({"model":"m","instructions":"be brief","input":"hi","stream":true,"max_output_tokens":9,)"
            R"("temperature":0.5})");
}

TEST(ResponsesRequest, WritesTheConversationAsThisApiHasIt) {
  EXPECT_EQ(
      responses_body(R"({"messages":[{"role":"user","content":[{"type":"text","text":"é"},)"
              R"({"type":"image_url","image_url":{"url":"u","detail":"low"}},{"type":"input_file","file_id":"f"}]},)"
              R"({"role":"assistant","content":[{"type":"text","text":"a"}]},{"type":"item_reference","id":"i"},)"
              R"({"role":"user","content":"plain"},7]})"),
      R"({"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"é"},)"
      R"({"type":"input_image","image_url":"u","detail":"low"},{"type":"input_file","file_id":"f"}]},)"
      R"({"role":"assistant","content":[{"type":"output_text","text":"a"}]},{"type":"item_reference","id":"i"},)"
      R"({"role":"user","content":"plain"},7],"stream":true})");
}

TEST(ResponsesRequest, WritesFilesAsThisApiHasThem) {
  EXPECT_EQ(responses_body(R"({"messages":[{"role":"user","content":[)"
                    R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:,x"}}]}]})"),
            R"({"model":"m","input":[{"role":"user","content":[)"
            R"({"type":"input_file","filename":"a.pdf","file_data":"data:,x"}]}],"stream":true})");
}

TEST(ResponsesRequest, WritesToolCallsAndTheirResultsAsItems) {
  EXPECT_EQ(responses_body(R"({"messages":[{"role":"user","content":"weather?"},)"
                    R"({"role":"assistant","content":"I look.","tool_calls":[)"
                    R"({"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\":1}"}}]},)"
                    R"({"role":"tool","tool_call_id":"c1","content":"rain"},)"
                    R"({"role":"assistant","content":null,"tool_calls":[)"
                    R"({"id":"c2","type":"function","function":{"name":"now","arguments":""}}]},)"
                    R"({"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"noon"}]}]})"),
            R"({"model":"m","input":[{"role":"user","content":"weather?"},{"role":"assistant","content":"I look."},)"
            R"({"type":"function_call","call_id":"c1","name":"w","arguments":"{\"city\":1}"},)"
            R"({"type":"function_call_output","call_id":"c1","output":"rain"},)"
            R"({"type":"function_call","call_id":"c2","name":"now","arguments":""},)"
            R"({"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"noon"}]}],)"
            R"("stream":true})");
}

TEST(ResponsesRequest, PassesOnWhatElseIsAskedFor) {
  EXPECT_EQ(responses_body(R"({"request":{"input":[1],"store":false,"stream":false,"model":"mine"}})"),
            R"({"model":"mine","stream":true,"input":[1],"store":false})");
}

TEST(ResponsesRequest, SaysOnceWhatAPartIsThatHasATypeOfItsOwn) {
  EXPECT_EQ(responses_body(R"({"messages":[{"role":"user","content":[{"type":"file","file":{"type":"x","file_id":"f"}}]}]})"),
            R"({"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}],"stream":true})");
}

}  // namespace
}  // namespace streaming
