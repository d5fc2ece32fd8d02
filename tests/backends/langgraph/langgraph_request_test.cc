// SPDX-License-Identifier: Apache-2.0
#include "backends/langgraph/langgraph_request.h"

#include <gtest/gtest.h>

#include "backends/limits.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

const LangGraphDefaults kDefaults{.assistant_id = "agent", .stream_mode = {"messages-tuple"}, .content_blocks = false};

// The request's body for a hand-off with this payload.
std::string body(std::string_view payload, const LangGraphDefaults& defaults = kDefaults) {
  return run_request(*parsed(payload), defaults);
}

TEST(LangGraphRequest, PutsSystemAndPromptIntoTheInputsMessages) {
  EXPECT_EQ(body(R"({"prompt":"say \"hi\"","system":"be brief"})"),
            R"({"assistant_id":"agent","input":{"messages":[{"role":"system","content":"be brief"},)"
            R"({"role":"user","content":"say \"hi\""}]},"stream_mode":"messages-tuple","on_disconnect":"cancel"})");
}

TEST(LangGraphRequest, PassesTheConversationOnAsItIs) {
  EXPECT_EQ(body(R"({"prompt":"unused","messages":[{"role":"user","content":[{"type":"text","text":"é"}]}]})"),
            R"({"assistant_id":"agent","input":{"messages":[{"role":"user","content":[{"type":"text","text":"é"}]}]},)"
            R"("stream_mode":"messages-tuple","on_disconnect":"cancel"})");
}

TEST(LangGraphRequest, MergesTheFieldsOfTheGraphIntoTheInput) {
  EXPECT_EQ(body(R"({"prompt":"p","langgraph_input":{"shop_id":7,"nested":{"a":[1,null]}}})"),
            R"({"assistant_id":"agent","input":{"messages":[{"role":"user","content":"p"}],"shop_id":7,)"
            R"("nested":{"a":[1,null]}},"stream_mode":"messages-tuple","on_disconnect":"cancel"})");
  EXPECT_EQ(body(R"({"prompt":"p","langgraph_input":{"messages":["mine"]}})"),
            R"({"assistant_id":"agent","input":{"messages":["mine"]},"stream_mode":"messages-tuple",)"
            R"("on_disconnect":"cancel"})");
}

TEST(LangGraphRequest, HasNoInputWhereThereIsNothingToSay) {
  EXPECT_EQ(body(R"({"request":{"command":{"resume":"yes"}}})"),
            R"({"assistant_id":"agent","stream_mode":"messages-tuple","on_disconnect":"cancel",)"
            R"("command":{"resume":"yes"}})");
}

TEST(LangGraphRequest, TakesAssistantModeAndFateFromTheHandoff) {
  EXPECT_EQ(body(R"({"assistant_id":"mine","stream_mode":["values","custom"],"on_disconnect":"continue"})"),
            R"({"assistant_id":"mine","stream_mode":["values","custom"],"on_disconnect":"continue"})");
}

TEST(LangGraphRequest, PassesFurtherFieldsOnButNotInPlaceOfItsOwn) {
  EXPECT_EQ(
      body(R"({"assistant_id":"mine","stream_mode":"values","prompt":"p","request":{"multitask_strategy":"reject",)"
           R"("config":{"configurable":{"k":1}},"input":1,"assistant_id":"x","stream_mode":"x","on_disconnect":"x"}})"),
      R"({"assistant_id":"mine","input":{"messages":[{"role":"user","content":"p"}]},"stream_mode":"values",)"
      R"("on_disconnect":"cancel","multitask_strategy":"reject","config":{"configurable":{"k":1}}})");
  EXPECT_EQ(body(R"({"request":{"assistant_id":"x","stream_mode":"y","input":{}}})"),
            R"({"on_disconnect":"cancel","assistant_id":"x","stream_mode":"y","input":{}})");
}

TEST(LangGraphRequest, WritesSeveralConfiguredModesAsAList) {
  EXPECT_EQ(body("{}", {.assistant_id = "a", .stream_mode = {"messages-tuple", "updates"}, .content_blocks = false}),
            R"({"assistant_id":"a","stream_mode":["messages-tuple","updates"],"on_disconnect":"cancel"})");
}

TEST(LangGraphRequest, WritesContentAsBlocksWhereAsked) {
  EXPECT_EQ(body(R"({"prompt":"p"})", {.assistant_id = "a", .stream_mode = {"m"}, .content_blocks = true}),
            R"({"assistant_id":"a","input":{"messages":[{"role":"user","content":[{"type":"text","text":"p"}]}]},)"
            R"("stream_mode":"m","on_disconnect":"cancel"})");
}

TEST(LangGraphRequest, CreatesAThreadOnlyWhereThereIsNone) {
  EXPECT_EQ(thread_request("t-1"), R"({"thread_id":"t-1","if_exists":"do_nothing"})");
}

TEST(ThreadId, CannotChangeThePathThatItStandsIn) {
  for (const char* id : {"6f9619ff-8b86-d011-b42d-00cf4fc964ff", "user:7", "a.b_c", "..a"}) {
    EXPECT_TRUE(is_thread_id(id)) << id;
  }
  for (const char* id : {"", ".", "..", "a/b", "../x", "a?b", "a#b", "a%2fb", "a b", "a\nb", "a\\b", "é"}) {
    EXPECT_FALSE(is_thread_id(id)) << id;
  }
  EXPECT_TRUE(is_thread_id(std::string(kMaxThreadIdBytes, 'a')));
  EXPECT_FALSE(is_thread_id(std::string(kMaxThreadIdBytes + 1, 'a')));
}

}  // namespace
}  // namespace streaming
