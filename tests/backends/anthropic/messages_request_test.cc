// SPDX-License-Identifier: Apache-2.0
#include "backends/anthropic/messages_request.h"

#include <gtest/gtest.h>

#include "support/parsed_payload.h"

namespace streaming {
namespace {

std::string body_of(const char* payload) {
  return messages_request(*parsed(payload), "m", 1000);
}

TEST(MessagesRequest, AsksForAStreamOfThePrompt) {
  EXPECT_EQ(body_of(R"({"prompt":"hi","system":"be brief","max_tokens":9,"temperature":0.5})"),
            R"({"model":"m","max_tokens":9,"system":"be brief","messages":[{"role":"user","content":"hi"}],)"
            R"("stream":true,"temperature":0.5})");
}

TEST(MessagesRequest, LiftsTheSystemsWordsOutOfTheMessages) {
  EXPECT_EQ(
      body_of(R"({"system":"a","messages":[{"role":"system","content":"b"},{"role":"user","content":"hi"},)"
              R"({"role":"developer","content":[{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]}]})"),
      R"({"model":"m","max_tokens":1000,"system":[{"type":"text","text":"a"},{"type":"text","text":"b"},)"
      R"({"type":"text","text":"c","cache_control":{"type":"ephemeral"}}],)"
      R"("messages":[{"role":"user","content":"hi"}],"stream":true})");
}

TEST(MessagesRequest, WritesImagesAsThisApiHasThem) {
  EXPECT_EQ(body_of(R"({"messages":[{"role":"user","content":[{"type":"text","text":"see"},)"
                    R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},)"
                    R"({"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]})"),
            R"({"model":"m","max_tokens":1000,"messages":[{"role":"user","content":[{"type":"text","text":"see"},)"
            R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},)"
            R"({"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}],"stream":true})");
}

TEST(MessagesRequest, WritesFilesAsDocuments) {
  EXPECT_EQ(
      body_of(R"({"messages":[{"role":"user","content":[)"
              R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]}]})"),
      R"({"model":"m","max_tokens":1000,"messages":[{"role":"user","content":[)"
      R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}],)"
      R"("stream":true})");
}

TEST(MessagesRequest, WritesToolCallsAndTheirResultsAsBlocks) {
  EXPECT_EQ(body_of(R"({"messages":[{"role":"user","content":"weather?"},)"
                    R"({"role":"assistant","content":"I look.","refusal":null,"tool_calls":[)"
                    R"({"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Bonn\"}"}},)"
                    R"({"id":"c2","type":"function","function":{"name":"now","arguments":""}}]},)"
                    R"({"role":"tool","tool_call_id":"c1","content":"rain"},)"
                    R"({"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"noon"},)"
                    R"({"type":"image_url","image_url":{"url":"u"}}]},)"
                    R"({"role":"user","content":"so?"}]})"),
            R"({"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"weather?"},)"
            R"({"role":"assistant","content":[{"type":"text","text":"I look."},)"
            R"({"type":"tool_use","id":"c1","name":"w","input":{"city": "Bonn"}},)"
            R"({"type":"tool_use","id":"c2","name":"now","input":{}}]},)"
            R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"rain"},)"
            R"({"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"noon"},)"
            R"({"type":"image","source":{"type":"url","url":"u"}}]}]},)"
            R"({"role":"user","content":"so?"}],"stream":true})");
}

TEST(MessagesRequest, EndsWithTheResultsThatEndTheConversation) {
  EXPECT_EQ(body_of(R"({"messages":[{"role":"assistant","content":null,"tool_calls":[)"
                    R"({"id":"c1","function":{"name":"w","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1"}]})"),
            R"({"model":"m","max_tokens":1000,"messages":[{"role":"assistant","content":[)"
            R"({"type":"tool_use","id":"c1","name":"w","input":{}}]},)"
            R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c1"}]}],"stream":true})");
}

// A stored answer that is sent again, with members that only the other API's messages have.
TEST(MessagesRequest, LeavesOutWhatThisApiRefuses) {
  EXPECT_EQ(body_of(R"({"messages":[{"role":"assistant","content":"a","refusal":null,"annotations":[],)"
                    R"("tool_calls":[],"name":"n"}]})"),
            R"({"model":"m","max_tokens":1000,"messages":[{"role":"assistant","content":"a"}],"stream":true})");
}

// A model may have written any text; the body must stay valid JSON.
TEST(MessagesRequest, MakesAnObjectOfArgumentsThatAreNone) {
  for (const char* arguments : {R"([1])", R"({\"a\":)", R"(x)", R"({\"a\":1,\"a\":2})"}) {
    const std::string payload = std::string(R"({"messages":[{"role":"assistant","tool_calls":[{"id":"c","function":)") +
                                R"({"name":"w","arguments":")" + arguments + R"("}}]}]})";
    EXPECT_EQ(body_of(payload.c_str()),
              std::string(R"({"model":"m","max_tokens":1000,"messages":[{"role":"assistant","content":[)") +
                  R"({"type":"tool_use","id":"c","name":"w","input":{"arguments":")" + arguments +
                  R"("}}]}],"stream":true})");
  }
}

TEST(MessagesRequest, PassesOnWhatElseIsAskedFor) {
  EXPECT_EQ(body_of(R"({"prompt":"hi","request":{"max_tokens":5,"system":"own","thinking":{"type":"enabled"},)"
                    R"("stream":false,"messages":[]}})"),
            R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"max_tokens":5,"system":"own",)"
            R"("thinking":{"type":"enabled"}})");
  EXPECT_EQ(body_of(R"({"request":{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}})"),
            R"({"model":"m","max_tokens":1000,"system":[{"type":"text","text":"s"}],)"
            R"("messages":[{"role":"user","content":"u"}],"stream":true})");
}

}  // namespace
}  // namespace streaming
