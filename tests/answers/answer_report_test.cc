// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_report.h"

#include <gtest/gtest.h>

#include "answers/limits.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

constexpr WallTime kStarted{Duration(1'700'000'000'007)};  // 2023-11-14T22:13:20.007Z

class AnswerReportTest : public testing::Test {
 protected:
  std::string report(const std::string& payload, const AnswerEnd& end) const {
    return whole_report(begin_report(*parsed(payload), "openai", "gpt", kStarted), record, end);
  }

  ByteBudget budget{kMaxRecordsBytes};
  AnswerRecord record{budget};
};

TEST_F(AnswerReportTest, HasAllThatIsKnown) {
  record.add({.kind = AnswerEvent::Kind::kReasoning, .text = "Six times"});
  record.add({.kind = AnswerEvent::Kind::kText, .text = "\"42\"\n\xC3\xA9\xF0\x9F\x98\x80"});
  record.add({.kind = AnswerEvent::Kind::kToolCall, .index = 1, .id = "c1", .name = "weather"});
  record.add({.kind = AnswerEvent::Kind::kToolInput, .index = 1, .text = "{\"city\": \"Bonn\"}"});
  record.add({.kind = AnswerEvent::Kind::kToolCall, .index = 2, .name = "clock"});
  record.add({.kind = AnswerEvent::Kind::kToolCall, .index = 3, .name = "broken"});
  record.add({.kind = AnswerEvent::Kind::kToolInput, .index = 3, .text = "{\"a"});
  record.set_usage({.input_tokens = 3, .output_tokens = 4, .cached_tokens = 0, .reasoning_tokens = 2});
  EXPECT_EQ(report(R"({"answer_id":"chat:7","request_id":"r","user_id":12,"on_end":"h","on_end_data":[1,{"a":null}]})",
                   {.cause = "completed",
                    .reason = FinishReason::kToolCalls,
                    .ended = kStarted + Duration(1500),
                    .first_event = Duration(40),
                    .duration = Duration(1501)}),
            R"({"type":"answer.ended","answer_id":"chat:7","request_id":"r","user_id":"12","backend":"openai",)"
            R"("model":"gpt","started_at":"2023-11-14T22:13:20.007Z","data":[1,{"a":null}],"text":"\"42\"\n)"
            "\xC3\xA9\xF0\x9F\x98\x80"
            R"(","reasoning":"Six times","cause":"completed","finish_reason":"tool-calls",)"
            R"("tool_calls":[{"id":"c1","name":"weather","input":{"city": "Bonn"}},)"
            R"({"name":"clock","input":{}},{"name":"broken","input_text":"{\"a"}],)"
            R"("usage":{"input_tokens":3,"output_tokens":4,"cached_tokens":0,"reasoning_tokens":2},)"
            R"("ended_at":"2023-11-14T22:13:21.507Z","first_event_ms":40,"duration_ms":1501,"cut_at_limit":false})");
}

TEST_F(AnswerReportTest, LeavesOutWhatIsNotKnown) {
  record.set_usage({.output_tokens = 4});
  EXPECT_EQ(report("{}", {.cause = "client_gone", .ended = kStarted}),
            R"({"type":"answer.ended","backend":"openai","model":"gpt","started_at":"2023-11-14T22:13:20.007Z",)"
            R"("text":"","cause":"client_gone","usage":{"output_tokens":4},"ended_at":"2023-11-14T22:13:20.007Z",)"
            R"("cut_at_limit":false})");
}

TEST_F(AnswerReportTest, TellsWhetherTheClientHasTheEndIfThatIsKnown) {
  EXPECT_EQ(with_client_has_end("{\"a\":1}", true), "{\"client_has_end\":true,\"a\":1}");
  EXPECT_EQ(with_client_has_end("{\"a\":1}", false), "{\"client_has_end\":false,\"a\":1}");
  EXPECT_EQ(with_client_has_end("{\"a\":1}", std::nullopt), "{\"a\":1}");
}

}  // namespace
}  // namespace streaming
