// SPDX-License-Identifier: Apache-2.0
// Complete answers of each API as bytes on the wire: the result must not depend on how they are split, or on which
// valid form of an event stream they use.

#include <gtest/gtest.h>

#include <regex>

#include "backends/anthropic/messages_reader.h"
#include "backends/langgraph/langgraph_reader.h"
#include "backends/openai/chat_completion_reader.h"
#include "backends/openai/responses_reader.h"
#include "support/answer_bodies.h"
#include "support/answer_reading.h"

namespace streaming {
namespace {


struct Sample {
  const char* name;
  std::string body;
  RecordingSink (*read_until)(std::string_view error, const std::vector<std::string_view>& reads);
  const char* cut = "";  // the error of a broken answer, if the body's regular end would complete it

  RecordingSink read(const std::vector<std::string_view>& reads) const { return read_until("", reads); }
};
void PrintTo(const Sample& sample, std::ostream* out) {
  *out << sample.name;
}

std::string replaced(const std::string& text, const char* pattern, const char* by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

class EverySplitTest : public testing::TestWithParam<Sample> {
 protected:
  // All events except kProgress.
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
  EXPECT_EQ(sink.all_text(), kTextOfBodies);
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
        "\xEF\xBB\xBF" + body, replaced(body, "\n\n", "\n\n: PROCESSING\n:\n\n"),
        replaced(body, "\n\n", "\n\ndata:\n\nevent: ping\ndata: \n\n"), replaced(body, ",", ",\ndata: "),
        replaced(body, "\ndata", "\nretry: 10\nid\nunknown: x\ndata")}) {
    const std::string_view view = other;
    RecordingSink sink = GetParam().read({view});
    // The upstream may put white space into its JSON.
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
  // After the finish reason the body may end; at a regular end also within the last blank line.
  const std::size_t reason = std::min(body.find("finish_reason\":\""), body.find("stop_reason\":\""));
  const bool breaks = *GetParam().cut != '\0';
  const std::size_t last = breaks ? body.size() - 1 : std::min(body.find("\n\n", reason), body.size() - 2);
  for (std::size_t at = 0; at < last; ++at) {
    const RecordingSink sink = GetParam().read_until(GetParam().cut, {body.substr(0, at)});
    ASSERT_EQ(sink.ends, 0) << at;
    const bool began = sink.count(Kind::kUpstream) > 0 || *GetParam().cut == '\0';
    ASSERT_EQ(sink.failure, began ? FailureKind::kTruncated : FailureKind::kUnreachable) << at;
  }
}

TEST_P(EverySplitTest, TakesTheLastEventAtTheBodysEndAlsoWithoutItsBlankLine) {
  const std::string_view body = GetParam().body;
  const RecordingSink whole = GetParam().read({body});
  for (const std::size_t missing : {1u, 2u}) {
    expect_same(GetParam().read({body.substr(0, body.size() - missing)}), whole, std::to_string(missing));
    const RecordingSink broken = GetParam().read_until("connection reset", {body.substr(0, body.size() - missing)});
    EXPECT_EQ(broken.count(Kind::kUpstream) + 1, whole.count(Kind::kUpstream));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, EverySplitTest,
                         testing::Values(Sample{"Chat", kChatBody, read_body<ChatCompletionReader>},
                                         Sample{"Responses", kResponsesBody, read_body<ResponsesReader>},
                                         Sample{"Messages", kMessagesBody, read_body<MessagesReader>},
                                         Sample{"Run", kRunBody, read_body<LangGraphReader>, "connection reset"}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace streaming
