// SPDX-License-Identifier: Apache-2.0
#include "answers/reported_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answers/answer_reports.h"
#include "answers/fake_hooks.h"
#include "answers/limits.h"
#include "answers/silent_backend.h"
#include "base/log.h"
#include "support/parsed_payload.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ReportedSessionTest : public testing::Test {
 protected:
  ReportedSessionTest() { log::set_level(log::Level::kOff); }

  static Config config() {
    Config made;
    made.hooks["chat"] = {{"url", "http://chat/"}, {"secret", kHookSecret}};
    return made;
  }
  void begin(const std::string& payload) { session = reports.answer(backend, parsed(payload), sink); }
  void begin() { begin(R"({"on_end":"chat","model":"m","on_end_data":7})"); }
  void text(std::string_view text) { backend.sink->on_event({.kind = AnswerEvent::Kind::kText, .text = text}); }
  // As a stream does.
  void end_stream(bool client_has_end) {
    session->cancel();
    session->on_stream_end(client_has_end);
    session.reset();
    timers.expire();
  }
  std::string report() const { return http.waiting() == 0 ? "" : http.front().request.body; }

  TimerWheel timers{Time(Duration(1000))};
  FakeHooks http;
  Counters counters;
  ByteBudget records{kMaxRecordsBytes};
  AnswerReports reports{config(), timers, http, counters, records, nullptr};
  SilentBackend backend;
  RecordingSink sink;
  std::unique_ptr<BackendSession> session;
};

TEST_F(ReportedSessionTest, ReportsACompleteAnswer) {
  begin();
  text("Hello ");
  text("world");
  backend.sink->on_usage({.output_tokens = 2});
  backend.sink->on_end(FinishReason::kStop);
  EXPECT_EQ(sink.all_text(), "Hello world");
  EXPECT_EQ(sink.usage.output_tokens, 2u);
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(report(), "") << "the stream has not ended";
  session->on_answer_end(CloseCause::kClientGone);
  end_stream(true);
  EXPECT_THAT(report(), AllOf(StartsWith(R"({"client_has_end":true,"type":"answer.ended","backend":"mock","model":"m")"),
                              HasSubstr(R"("data":7,"text":"Hello world","cause":"completed","finish_reason":"stop")"),
                              HasSubstr(R"("usage":{"output_tokens":2})"), HasSubstr("\"first_event_ms\":0")));
}

TEST_F(ReportedSessionTest, DoesNotWaitLongForAClientThatReadsSlowly) {
  begin();
  backend.sink->on_end(FinishReason::kStop);
  timers.set_now(timers.now() + kClientEndPatience);
  timers.expire();
  timers.expire();
  EXPECT_THAT(report(), StartsWith("{\"type\":")) << "not known";
  end_stream(true);
  EXPECT_EQ(http.started, 1);
}

TEST_F(ReportedSessionTest, ReportsWhyTheApiFailed) {
  begin();
  text("Hel");
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "secret detail"});
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);
  end_stream(false);
  EXPECT_THAT(report(), AllOf(StartsWith("{\"client_has_end\":false,"), HasSubstr("\"cause\":\"upstream_truncated\""),
                              HasSubstr("\"text\":\"Hel\""), Not(HasSubstr("finish_reason")),
                              Not(HasSubstr("usage")), Not(HasSubstr("secret"))));
}

TEST_F(ReportedSessionTest, ReportsWhyTheStreamHasEndedTheAnswer) {
  begin();
  session->on_answer_end(CloseCause::kIdleTimeout);
  EXPECT_EQ(backend.cancelled, 0);
  end_stream(true);
  EXPECT_EQ(backend.cancelled, 1);
  EXPECT_THAT(report(), AllOf(HasSubstr("\"cause\":\"idle_timeout\""), HasSubstr("\"text\":\"\""),
                              Not(HasSubstr("first_event_ms"))));
}

TEST_F(ReportedSessionTest, IsNotThereForAHandOffWithoutAHook) {
  begin("{}");
  text("a");
  backend.sink->on_end(FinishReason::kStop);
  end_stream(true);
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(http.started, 0);
  EXPECT_EQ(counters.get(Counter::kReports), 0u);
}

TEST_F(ReportedSessionTest, IsRefusedIfTheHookIsUnknownOrTheBackendAnswersByItself) {
  EXPECT_FALSE(reports.refusal_for(*parsed("{}"), "exec"));
  EXPECT_FALSE(reports.refusal_for(*parsed(R"({"on_end":"chat"})"), "mock"));
  EXPECT_EQ(reports.refusal_for(*parsed(R"({"on_end":"chat"})"), "exec")->status, 400);
  const std::optional<Refusal> unknown = reports.refusal_for(*parsed(R"({"on_end":"http://evil/"})"), "mock");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->status, 400);
  EXPECT_EQ(unknown->message, "on_end names an unknown hook");
}

}  // namespace
}  // namespace streaming
