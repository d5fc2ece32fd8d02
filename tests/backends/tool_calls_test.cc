// SPDX-License-Identifier: Apache-2.0
// Tool calls in the unusual shapes of real servers: each shape was seen at one. The kinds of each reader are those of
// the table in tool_calls.h.

#include "backends/tool_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/anthropic/messages_reader.h"
#include "backends/event_budget.h"
#include "backends/langgraph/langgraph_reader.h"
#include "backends/openai/chat_completion_reader.h"
#include "backends/openai/responses_reader.h"
#include "config/config.h"
#include "sse/limits.h"
#include "support/fake_http_client.h"
#include "support/told_answer.h"

namespace streaming {
namespace {

using testing::ElementsAre;

template <typename Reader>
ToldAnswer told(const std::string& body) {
  FakeHttpClient http;
  WritingSink sink;
  EventBudget events(Config().max_event_bytes);
  SseSession session(http, HttpRequest{}, std::make_unique<Reader>(), events, sink);
  http.receiver->on_head({.status = 200, .content_type = "text/event-stream"});
  http.receiver->on_body(body);
  if (http.receiver != nullptr) http.receiver->on_finished("");
  ToldAnswer answer = FrameReader().read(sink.out.view());
  EXPECT_EQ(answer.mistake, "") << sink.out.view();
  return answer;
}

std::string event(const std::string& data, const std::string& type = {}) {
  return (type.empty() ? "" : "event: " + type + "\n") + "data: " + data + "\n\n";
}

// --- Chat Completions -----------------------------------------------------------------------------------------------

// An answer whose chunks have these tool_calls.
ToldAnswer chat(const std::vector<std::string>& tool_calls) {
  std::string body;
  for (const std::string& calls : tool_calls) {
    body += event(R"({"choices":[{"index":0,"delta":{"tool_calls":[)" + calls + "]}}]}");
  }
  return told<ChatCompletionReader>(body + event(R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})") +
                                    event("[DONE]"));
}

TEST(ChatToolCalls, TakeArgumentsThatAreAnObject) {
  EXPECT_THAT(chat({R"({"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}})"}).calls,
              ElementsAre(ToldCall{"a", "f", R"({"x":1})"}));
}

TEST(ChatToolCalls, AreNamedInAnyPiece) {
  EXPECT_THAT(
      chat({R"({"index":0,"id":"a","function":{"arguments":"{\"x\""}})", R"({"index":0,"function":{"arguments":":"}})",
            R"({"index":0,"function":{"name":"f","arguments":"1}"}})"})
          .calls,
      ElementsAre(ToldCall{"a", "f", R"({"x":1})"}));
  EXPECT_THAT(chat({R"({"index":0,"id":"a","function":{"name":"","arguments":""}})",
                    R"({"index":0,"function":{"name":"f","arguments":"{}"}})"})
                  .calls,
              ElementsAre(ToldCall{"a", "f", "{}"}));
  EXPECT_THAT(chat({R"({"index":0,"function":{"name":"f","arguments":"{"}})", R"({"index":0,"id":"a"})",
                    R"({"index":0,"function":{"arguments":"}"}})"})
                  .calls,
              ElementsAre(ToldCall{"a", "f", "{}"}));
}

TEST(ChatToolCalls, AreTwoWhereEachIsWholeAndNeitherHasAnId) {
  EXPECT_THAT(chat({R"({"index":0,"id":"","function":{"name":"f","arguments":"{\"x\":1}"}})",
                    R"({"index":0,"id":"","function":{"name":"f","arguments":"{\"y\":2}"}})"})
                  .calls,
              ElementsAre(ToldCall{"call_1", "f", R"({"x":1})"}, ToldCall{"call_2", "f", R"({"y":2})"}));
  EXPECT_THAT(chat({R"({"function":{"name":"f","arguments":""}},{"function":{"name":"g","arguments":""}})"}).calls,
              ElementsAre(ToldCall{"call_1", "f", "{}"}, ToldCall{"call_2", "g", "{}"}));
}

TEST(ChatToolCalls, AreToldApartByTheirIdsWhereTheIndexIsTheSameOrMissing) {
  for (const std::string index : {"", R"("index":0,)", R"("index":null,)"}) {
    EXPECT_THAT(chat({"{" + index + R"("id":"a","function":{"name":"f","arguments":"{"}})",
                      "{" + index + R"("function":{"arguments":"}"}})",
                      "{" + index + R"("id":"b","function":{"name":"g","arguments":"[]"}})"})
                    .calls,
                ElementsAre(ToldCall{"a", "f", "{}"}, ToldCall{"b", "g", "[]"}));
  }
}

TEST(ChatToolCalls, AreOneWhereEachPieceRepeatsTheNameOrHasAnotherId) {
  EXPECT_THAT(chat({R"({"index":0,"id":"a","function":{"name":"f","arguments":"{"}})",
                    R"({"index":0,"id":"a","function":{"name":"f","arguments":"}"}})",
                    R"({"index":0,"id":"a","function":{"name":"f","arguments":""}})"})
                  .calls,
              ElementsAre(ToldCall{"a", "f", "{}"}));
  EXPECT_THAT(chat({R"({"index":0,"id":"a","function":{"name":"f","arguments":"{"}})",
                    R"({"index":0,"id":"b","function":{"name":null,"arguments":"}"}})"})
                  .calls,
              ElementsAre(ToldCall{"a", "f", "{}"}));
}

TEST(ChatToolCalls, MayInterleave) {
  EXPECT_THAT(chat({R"({"index":1,"id":"b","function":{"name":"g","arguments":"[1"}})",
                    R"({"index":0,"id":"a","function":{"name":"f","arguments":"[0"}},)"
                    R"({"index":1,"function":{"arguments":"]"}})",
                    R"({"index":0,"function":{"arguments":"]"}})"})
                  .calls,
              ElementsAre(ToldCall{"b", "g", "[1]"}, ToldCall{"a", "f", "[0]"}));
}

TEST(ChatToolCalls, MayBeOfToolsThatTakeText) {
  EXPECT_THAT(chat({R"({"index":0,"id":"a","type":"custom","custom":{"name":"sql","input":"SELECT \"x\""}})",
                    R"({"index":0,"custom":{"input":"\n;"}})"})
                  .calls,
              ElementsAre(ToldCall{"a", "sql", R"("SELECT \"x\"\n;")"}));
}

TEST(ChatToolCalls, MayBeAFunctionCallAsItWasBefore) {
  const ToldAnswer answer = told<ChatCompletionReader>(
      event(R"({"choices":[{"delta":{"function_call":{"name":"f","arguments":"{"}}}]})") +
      event(R"({"choices":[{"delta":{"function_call":{"arguments":"}"}},"finish_reason":"function_call"}]})"));
  EXPECT_THAT(answer.calls, ElementsAre(ToldCall{"call_1", "f", "{}"}));
  EXPECT_EQ(answer.finish, "tool-calls");
}

TEST(ChatToolCalls, WithoutANameAreNone) {
  EXPECT_TRUE(chat({R"({"index":0,"id":"a","function":{"arguments":"{}"}},7,null,{}))"}).calls.empty());
}

TEST(ChatToolCalls, HaveIdsOfTheirOwn) {
  EXPECT_THAT(
      chat({R"({"index":0,"id":"call_1","function":{"name":"f"}},{"index":1,"id":"call_1","function":{"name":"g"}},)"
            R"({"index":2,"function":{"name":"h"}})"})
          .calls,
      ElementsAre(ToldCall{"call_1", "f", "{}"}, ToldCall{"call_2", "g", "{}"}, ToldCall{"call_3", "h", "{}"}));
}

TEST(ChatToolCalls, OverTheLimitEndTheAnswerWhereAllAreNeeded) {
  std::string calls;
  for (std::size_t i = 0; i <= kMaxToolCalls; ++i) {
    calls += (calls.empty() ? "" : ",") + std::string(R"({"index":)") + std::to_string(i) +
             R"(,"function":{"name":"f","arguments":"{}"}})";
  }
  EXPECT_EQ(chat({calls}).finish, "");
}

// --- Responses ------------------------------------------------------------------------------------------------------

ToldAnswer responses(const std::vector<std::string>& events, const std::string& output = "[]") {
  std::string body;
  for (const std::string& data : events) body += event(data);
  return told<ResponsesReader>(body + event(R"({"type":"response.completed","response":{"output":)" + output + "}}"));
}

std::string item(const char* when, const std::string& members, int output_index = 0) {
  return R"({"type":"response.output_item.)" + std::string(when) + R"(","output_index":)" +
         std::to_string(output_index) + R"(,"item":{)" + members + "}}";
}

constexpr char kCall[] = R"("type":"function_call","id":"fc","call_id":"a","name":"f","arguments":"")";
constexpr char kWholeCall[] = R"("type":"function_call","id":"fc","call_id":"a","name":"f","arguments":"{\"x\":1}")";
constexpr char kArgumentsDone[] =
    R"({"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"x\":1}"})";

TEST(ResponsesToolCalls, TakeTheirInputFromWhereverItIs) {
  const std::string piece = R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"x\":1}"})";
  const std::string output = std::string("[{") + kWholeCall + "}]";
  for (const ToldAnswer& answer :
       {responses({item("added", kCall), kArgumentsDone}), responses({item("added", kCall), item("done", kWholeCall)}),
        responses({item("added", kWholeCall)}), responses({item("done", kWholeCall)}), responses({}, output),
        responses({item("added", kCall)}, output),
        responses({item("added", kCall), piece, kArgumentsDone, item("done", kWholeCall)}, output),
        responses({item("added", kCall, 3)},
                  R"([{"type":"reasoning"},{"type":"message"},{)" + std::string(kWholeCall) + "}]")}) {
    EXPECT_THAT(answer.calls, ElementsAre(ToldCall{"a", "f", R"({"x":1})"}));
    EXPECT_EQ(answer.finish, "tool-calls");
  }
}

TEST(ResponsesToolCalls, AreNotRepeatedWhereTheLastEventHasThemByOtherIds) {
  EXPECT_THAT(
      responses({item("done", kWholeCall)}, R"([{"type":"function_call","call_id":"b","name":"f","arguments":"{}"}])")
          .calls,
      ElementsAre(ToldCall{"a", "f", R"({"x":1})"}));
}

TEST(ResponsesToolCalls, MayBeOfToolsThatTakeText) {
  const std::string begun = R"("type":"custom_tool_call","call_id":"a","name":"sql","input":"")";
  const std::string whole = R"("type":"custom_tool_call","call_id":"a","name":"sql","input":"SELECT \"x\"")";
  const std::string piece =
      R"({"type":"response.custom_tool_call_input.delta","output_index":0,"delta":"SELECT \"x\""})";
  const std::string done = R"({"type":"response.custom_tool_call_input.done","output_index":0,"input":"SELECT \"x\""})";
  for (const ToldAnswer& answer : {responses({item("added", begun), piece, done, item("done", whole)}),
                                   responses({item("added", begun), done}), responses({item("done", whole)})}) {
    EXPECT_THAT(answer.calls, ElementsAre(ToldCall{"a", "sql", R"("SELECT \"x\"")"}));
    EXPECT_EQ(answer.finish, "tool-calls");
  }
}

TEST(ResponsesToolCalls, MayBeOfToolsThatTheApiHasAndTheClientRuns) {
  EXPECT_THAT(
      responses({item("added", R"("type":"local_shell_call","call_id":"a","action":{"command":[]})"),
                 item("done", R"("type":"local_shell_call","call_id":"a","action":{"command":["ls"]})"),
                 item("done", R"("type":"shell_call","call_id":"b","action":{"commands":["ls"]})", 1),
                 item("done", R"("type":"apply_patch_call","call_id":"c","operation":{"type":"delete_file"})", 2),
                 item("added", R"("type":"tool_search_call","call_id":"x","arguments":{},"execution":"client")", 3),
                 item("done", R"("type":"tool_search_call","call_id":"d","arguments":{"g":1},"execution":"client")", 3),
                 item("done", R"("type":"mcp_approval_request","id":"e","name":"n","arguments":"{}")", 4)})
          .calls,
      ElementsAre(ToldCall{"a", "local_shell", R"({"action":{"command":["ls"]}})"},
                  ToldCall{"b", "shell", R"({"action":{"commands":["ls"]}})"},
                  ToldCall{"c", "apply_patch", R"({"operation":{"type":"delete_file"}})"},
                  ToldCall{"d", "tool_search", R"({"arguments":{"g":1}})"},
                  ToldCall{"e", "mcp_approval_request",
                           R"({"type":"mcp_approval_request","id":"e","name":"n","arguments":"{}"})"}));
}

TEST(ResponsesToolCalls, AreNotThoseThatTheVendorRuns) {
  const ToldAnswer answer = responses(
      {R"({"type":"response.created","response":{"tools":[{"type":"x_search"}]}})",
       item("done", R"("type":"shell_call","call_id":"a","action":{},"environment":{"type":"container_reference"})"),
       item("done", R"("type":"tool_search_call","call_id":null,"arguments":{"p":1},"execution":"server")", 1),
       item("added", R"("type":"custom_tool_call","call_id":"xs","name":"x_keyword_search","input":"")", 2),
       item("done", R"("type":"web_search_call","id":"ws")", 3), item("done", R"("type":"mcp_call","name":"n")", 4)});
  EXPECT_TRUE(answer.calls.empty());
  EXPECT_EQ(answer.finish, "stop");
}

// --- Messages -------------------------------------------------------------------------------------------------------

ToldAnswer messages(const std::vector<std::string>& events) {
  std::string body;
  for (const std::string& data : events) body += event(data);
  return told<MessagesReader>(body + event(R"({"type":"message_stop"})"));
}

TEST(MessagesToolCalls, TakeTheirInputFromTheBlocksStartWhereNoPieceComes) {
  const std::string start =
      R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"x":1}}})";
  EXPECT_THAT(messages({start, R"({"type":"content_block_stop","index":0})"}).calls,
              ElementsAre(ToldCall{"a", "f", R"({"x":1})"}));
  EXPECT_THAT(
      messages({start,
                R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}})"})
          .calls,
      ElementsAre(ToldCall{"a", "f", "{}"}));
}

TEST(MessagesToolCalls, MayStandInTheMessagesStart) {
  const ToldAnswer answer = messages(
      {R"({"type":"message_start","message":{"id":"m","stop_reason":"tool_use","content":[{"type":"text","text":"t"},)"
       R"({"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"g","input":{}}]}})"});
  EXPECT_THAT(answer.texts, ElementsAre("t"));
  EXPECT_THAT(answer.calls, ElementsAre(ToldCall{"a", "f", R"({"x":1})"}, ToldCall{"b", "g", "{}"}));
  EXPECT_EQ(answer.finish, "tool-calls");
}

TEST(MessagesToolCalls, MayBeBegunBeforeEitherIsFilled) {
  EXPECT_THAT(
      messages({R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f"}})",
                R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"b","name":"g"}})",
                R"({"type":"content_block_delta","index":0,"delta":{"partial_json":"[0]"}})",
                R"({"type":"content_block_delta","index":1,"delta":{"partial_json":"[1]"}})"})
          .calls,
      ElementsAre(ToldCall{"a", "f", "[0]"}, ToldCall{"b", "g", "[1]"}));
}

// --- LangGraph ------------------------------------------------------------------------------------------------------

std::string tuple(const std::string& members) {
  return event(R"([{"type":"AIMessageChunk","id":"m",)" + members + "},{}]", "messages");
}
std::string partial(const std::string& members) {
  return event(R"([{"type":"ai","id":"m",)" + members + "}]", "messages/partial");
}
ToldAnswer run(const std::string& events) {
  return told<LangGraphReader>(events + event("null", "end"));
}

TEST(LangGraphToolCalls, TakeTheLastArgumentsOfAMessageThatIsAddedTo) {
  EXPECT_THAT(
      run(partial(R"("content":[],"tool_calls":[{"name":"f","args":{},"id":"a","type":"tool_call"}])") +
          partial(
              R"("content":[],"tool_calls":[{"name":"f","args":{"x":1},"id":"a"},{"name":"g","args":{},"id":"b"}])") +
          partial(
              R"("content":[],"tool_calls":[{"name":"f","args":{"x":1},"id":"a"},{"name":"g","args":{"y":2},"id":"b"}])"))
          .calls,
      ElementsAre(ToldCall{"a", "f", R"({"x":1})"}, ToldCall{"b", "g", R"({"y":2})"}));
  EXPECT_THAT(run(partial(R"("tool_call_chunks":[{"name":"f","args":"{","id":"a","index":0}])") +
                  partial(R"("tool_call_chunks":[{"name":"f","args":"{}","id":"a","index":0}])"))
                  .calls,
              ElementsAre(ToldCall{"a", "f", "{}"}));
}

TEST(LangGraphToolCalls, AreEachItsOwnWithoutAnIndex) {
  EXPECT_THAT(run(tuple(R"("tool_call_chunks":[{"name":"f","args":"{\"x\":1}","id":"a","index":null},)"
                        R"({"name":"g","args":"{\"y\":2}","id":"b","index":null}])"))
                  .calls,
              ElementsAre(ToldCall{"a", "f", R"({"x":1})"}, ToldCall{"b", "g", R"({"y":2})"}));
  EXPECT_THAT(
      run(tuple(R"("tool_call_chunks":[{"name":"f","args":"","id":null},{"name":"f","args":"","id":null}])")).calls,
      ElementsAre(ToldCall{"call_1", "f", "{}"}, ToldCall{"call_2", "f", "{}"}));
}

TEST(LangGraphToolCalls, AreToldApartByIndexAndId) {
  for (const auto& [first, second] : {std::pair{"0", "0"}, {R"("lc_tc_0")", R"("lc_tc_1")"}, {"0", "1"}}) {
    const std::string begin = R"("tool_call_chunks":[{"name":"f","args":"{\"x\"","id":"a","index":)";
    EXPECT_THAT(
        run(tuple(begin + first + "}]") +
            tuple(R"("tool_call_chunks":[{"name":null,"args":":1}","id":null,"index":)" + std::string(first) + "}]") +
            tuple(R"("tool_call_chunks":[{"name":"g","args":"[]","id":"b","index":)" + std::string(second) + "}]"))
            .calls,
        ElementsAre(ToldCall{"a", "f", R"({"x":1})"}, ToldCall{"b", "g", "[]"}))
        << first << second;
  }
}

TEST(LangGraphToolCalls, OfTwoMessagesAreTwo) {
  EXPECT_THAT(
      run(tuple(R"("tool_call_chunks":[{"name":"f","args":"{","id":"a","index":0}])") +
          event(
              R"([{"type":"AIMessageChunk","id":"n","tool_call_chunks":[{"name":"g","args":"[]","id":"b","index":0}]},{}])",
              "messages") +
          tuple(R"("tool_call_chunks":[{"name":null,"args":"}","id":null,"index":0}])"))
          .calls,
      ElementsAre(ToldCall{"a", "f", "{}"}, ToldCall{"b", "g", "[]"}));
}

}  // namespace
}  // namespace streaming
