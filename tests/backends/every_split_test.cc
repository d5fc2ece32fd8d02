// Whole answers of each API, as bytes on the wire: the same comes out however they are cut, and in whichever of the
// ways to write an event stream they are written.

#include <gtest/gtest.h>

#include <regex>

#include "backends/chat_completion_reader.h"
#include "backends/messages_reader.h"
#include "backends/responses_reader.h"
#include "support/answer_reading.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

constexpr char kChat[] =
    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

: a comment

data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm \u00e9"}}]}

data: {"choices":[{"index":0,"delta":{"content":"H\u00e9 漢 \ud83d"}}]}

data: {"choices":[{"index":1,"delta":{"content":"another answer"}},{"index":0,"delta":{"content":"\ude00 \"q\" \\ 😀"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c1","function":{"name":"f","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"content\":\"x\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":4}}

data: [DONE]

)";

constexpr char kResponses[] = R"(event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"r"}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":0,"delta":"H\u00e9 漢 \ud83d"}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":0,"delta":"\ude00 \"q\" \\ 😀"}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":1,
data:  "item":{"type":"function_call","call_id":"c1","name":"f"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"content\":\"x\"}"}

event: response.completed
data: {"type":"response.completed","response":{"usage":{"input_tokens":2,"output_tokens":4}}}

)";

constexpr char kMessages[] = R"(event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":2,"output_tokens":1}}}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"H\u00e9 漢 \ud83d"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ude00 \"q\" \\ 😀"}}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"c1","name":"f"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,
data:  "delta":{"type":"input_json_delta","partial_json":"{\"content\":\"x\"}"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":4}}

event: message_stop
data: {"type":"message_stop"}

)";

struct Sample {
  const char* name;
  std::string body;
  RecordingSink (*read)(const std::vector<std::string_view>& reads);
};
void PrintTo(const Sample& sample, std::ostream* out) {
  *out << sample.name;
}

std::string replaced(const std::string& text, const char* pattern, const char* by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

class EverySplitTest : public testing::TestWithParam<Sample> {
 protected:
  // Everything but how often the upstream showed that it works.
  static std::vector<RecordingSink::Event> said(RecordingSink sink) {
    std::erase_if(sink.events, [](const RecordingSink::Event& event) { return event.kind == Kind::kProgress; });
    return sink.events;
  }
  static void expect_same(const RecordingSink& sink, const RecordingSink& whole, const std::string& how) {
    ASSERT_EQ(said(sink), said(whole)) << how;
    ASSERT_EQ(sink.ends, 1) << how;
    ASSERT_EQ(sink.finish_reason, whole.finish_reason) << how;
    ASSERT_EQ(sink.usage.output_tokens, whole.usage.output_tokens) << how;
  }
};

TEST_P(EverySplitTest, ReadsTheAnswer) {
  const RecordingSink sink = GetParam().read({GetParam().body});
  EXPECT_EQ(sink.all_text(), "Hé 漢 😀 \"q\" \\ 😀");
  EXPECT_EQ(sink.all(Kind::kToolInput), R"({"content":"x"})");
  EXPECT_EQ(sink.count(Kind::kToolCall), 1u);
  EXPECT_EQ(sink.usage.input_tokens, 2u);
  EXPECT_EQ(sink.usage.output_tokens, 4u);
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.finish_reason, FinishReason::kToolCalls);
}

TEST_P(EverySplitTest, ReadsTheSameHoweverItIsCut) {
  const std::string_view body = GetParam().body;
  const RecordingSink whole = GetParam().read({body});
  for (std::size_t at = 0; at <= body.size(); ++at) {
    expect_same(GetParam().read({body.substr(0, at), body.substr(at)}), whole, "cut at " + std::to_string(at));
  }
  std::vector<std::string_view> bytes;
  for (std::size_t at = 0; at < body.size(); ++at) bytes.push_back(body.substr(at, 1));
  expect_same(GetParam().read(bytes), whole, "byte by byte");
}

TEST_P(EverySplitTest, ReadsTheSameHoweverItIsWritten) {
  const std::string& body = GetParam().body;
  const RecordingSink whole = GetParam().read({body});
  for (const std::string& other :
       {replaced(body, "\n", "\r\n"), replaced(body, "\n", "\r"), replaced(body, "data: ", "data:"),
        "\xEF\xBB\xBF" + body, replaced(body, "\n\n", "\n\n: PROCESSING\n:\n\n"), replaced(body, ",", ",\ndata: "),
        replaced(body, "data", "retry: 10\nid\nunknown: x\ndata")}) {
    const std::string_view view = other;
    RecordingSink sink = GetParam().read({view});
    // White space inside of the JSON is the upstream's own to write.
    std::erase_if(sink.events, [](const RecordingSink::Event& event) { return event.kind == Kind::kUpstream; });
    RecordingSink expected = whole;
    std::erase_if(expected.events, [](const RecordingSink::Event& event) { return event.kind == Kind::kUpstream; });
    expect_same(sink, expected, other.substr(0, 60));
    const RecordingSink written = GetParam().read({view});
    for (std::size_t at = 0; at <= view.size(); at += 7) {
      expect_same(GetParam().read({view.substr(0, at), view.substr(at)}), written, other.substr(0, 60));
    }
  }
}

TEST_P(EverySplitTest, TakesEveryCutOffAnswerForTruncated) {
  const std::string_view body = GetParam().body;
  const std::size_t finished = body.find("finish_reason\":\"");  // of Chat Completions: the body may end behind it
  const std::size_t last = finished == std::string_view::npos ? body.size() - 1 : body.find("\n\n", finished) + 1;
  for (std::size_t at = 0; at < last; ++at) {
    const RecordingSink sink = GetParam().read({body.substr(0, at)});
    ASSERT_EQ(sink.ends, 0) << at;
    ASSERT_EQ(sink.failure, FailureKind::kTruncated) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, EverySplitTest,
                         testing::Values(Sample{"Chat", kChat, read_body<ChatCompletionReader>},
                                         Sample{"Responses", kResponses, read_body<ResponsesReader>},
                                         Sample{"Messages", kMessages, read_body<MessagesReader>}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace streaming
