// SPDX-License-Identifier: Apache-2.0
#include "backends/limits.h"
#include "backends/wrapping/fallback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/openai/chat_completion_request.h"
#include "base/log.h"
#include "support/parsed_payload.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

// Keeps its requests; the test calls its sink.
struct ScriptedBackend : DirectBackend {
  struct Session : BackendSession {
    explicit Session(ScriptedBackend& owner) : backend(owner) {}
    ~Session() override { ++backend.destroyed; }
    void pause() override { ++backend.paused; }
    void resume() override { ++backend.resumed; }
    void cancel() override { ++backend.cancelled; }
    ScriptedBackend& backend;
  };

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& event_sink) override {
    sink = &event_sink;
    prompts.emplace_back(request.prompt);
    models.emplace_back(request.model);
    bodies.push_back(chat_completion_request(request, "own"));
    return std::make_unique<Session>(*this);
  }

  EventSink* sink = nullptr;
  std::vector<std::string> prompts, models, bodies;  // one for each start
  int paused = 0, resumed = 0, cancelled = 0, destroyed = 0;
};

class FallbackTest : public testing::Test {
 protected:
  FallbackTest() { log::set_level(log::Level::kOff); }

  void start(FallbackSettings settings, bool with_second = true) {
    std::vector<FallbackBackend::Choice> choices{{"first", &first}};
    if (with_second) choices.push_back({"second", &second});
    backend.emplace(choices, settings, timers, counters);
    session = backend->answer(parsed(R"({"prompt":"h\u00e9","model":"m","request":{"n":1.5,"model":"brought"}})"), sink);
  }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }
  static void fail(ScriptedBackend& failing, FailureKind kind, int status = 0, int retry_after_seconds = 0) {
    failing.sink->on_failure(
        {.kind = kind, .detail = "why", .status = status, .retry_after_seconds = retry_after_seconds});
  }

  TimerWheel timers{Time(Duration(1000))};
  Counters counters;
  ScriptedBackend first, second;
  RecordingSink sink;
  std::optional<FallbackBackend> backend;
  std::unique_ptr<BackendSession> session;
};

TEST_F(FallbackTest, PassesOnWhatTheFirstSays) {
  start({.retries = 1});
  first.sink->on_event({.kind = Kind::kText, .text = "hi"});
  first.sink->on_usage({.input_tokens = 1, .output_tokens = 2});
  first.sink->on_end(FinishReason::kLength);
  EXPECT_EQ(sink.all_text(), "hi");
  EXPECT_EQ(sink.usage.output_tokens, 2u);
  EXPECT_EQ(sink.finish_reason, FinishReason::kLength);
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

TEST_F(FallbackTest, TriesTheSameAgainWithTheSameRequestAfterAPause) {
  start({.retries = 1});
  fail(first, FailureKind::kUnreachable);
  EXPECT_EQ(first.cancelled, 1);
  EXPECT_EQ(first.destroyed, 0) << "never from within its own call";
  pass(Duration(kFirstRetryPause / 2));
  EXPECT_EQ(first.prompts.size(), 1u) << "it is given a moment";
  pass(kFirstRetryPause);
  EXPECT_EQ(first.destroyed, 1);
  EXPECT_EQ(first.prompts, (std::vector<std::string>{"h\xC3\xA9", "h\xC3\xA9"}));
  EXPECT_EQ(first.models, (std::vector<std::string>{"m", "m"}));
  EXPECT_EQ(counters.get(Counter::kFailedTries), 1u);
  EXPECT_FALSE(sink.failure);
}

TEST_F(FallbackTest, TriesAgainOnlyWhatMayPass) {
  for (const int status : {408, 409, 429, 500, 503, 529}) {
    start({.retries = 1}, false);
    fail(first, FailureKind::kStatus, status);
    EXPECT_FALSE(sink.failure) << status;
  }
  for (const int status : {400, 401, 403, 404, 413, 422}) {
    sink.failure.reset();
    start({.retries = 1}, false);
    fail(first, FailureKind::kStatus, status);
    EXPECT_EQ(sink.failure, FailureKind::kStatus) << status;
    EXPECT_EQ(sink.status, status);
  }
  sink.failure.reset();
  start({.retries = 1}, false);
  fail(first, FailureKind::kMalformed);
  EXPECT_EQ(sink.failure, FailureKind::kMalformed);
}

TEST_F(FallbackTest, GivesUpWhenTheRetriesAreSpent) {
  start({.retries = 2}, false);
  for (int retry = 0; retry < 2; ++retry) {
    fail(first, FailureKind::kStatus, 500);
    pass(kMaxRetryPause);
  }
  EXPECT_FALSE(sink.failure);
  fail(first, FailureKind::kStatus, 503, 7);
  EXPECT_EQ(sink.status, 503);
  EXPECT_EQ(sink.retry_after_seconds, 7);
  EXPECT_EQ(first.prompts.size(), 3u);
}

TEST_F(FallbackTest, WaitsAsLongAsTheUpstreamAsks) {
  start({.retries = 1}, false);
  fail(first, FailureKind::kStatus, 429, 3);
  pass(Duration(2999));
  EXPECT_EQ(first.prompts.size(), 1u);
  pass(Duration(1));
  EXPECT_EQ(first.prompts.size(), 2u);
}

TEST_F(FallbackTest, DoesNotTryAgainAnUpstreamThatAsksForTooLong) {
  start({.retries = 5}, false);
  fail(first, FailureKind::kStatus, 429, 3600);
  EXPECT_EQ(sink.retry_after_seconds, 3600);
}

TEST_F(FallbackTest, GoesOnToTheNextAtOnceAndWithItsOwnModel) {
  start({});
  fail(first, FailureKind::kStatus, 401);
  EXPECT_TRUE(second.prompts.empty());
  pass(Duration(0));
  EXPECT_EQ(second.prompts, std::vector<std::string>{"h\xC3\xA9"});
  EXPECT_EQ(second.models, std::vector<std::string>{""});
  EXPECT_THAT(second.bodies.front(), testing::StartsWith(R"({"model":"own")"))
      << "not the first one's, wherever the hand-off brings it";
  second.sink->on_event({.kind = Kind::kText, .text = "instead"});
  second.sink->on_end(FinishReason::kStop);
  EXPECT_EQ(sink.all_text(), "instead");
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(FallbackTest, TellsTheLastFailureWhenNoneIsLeft) {
  start({});
  fail(first, FailureKind::kUnreachable);
  pass(Duration(0));
  fail(second, FailureKind::kStatus, 403);
  EXPECT_EQ(sink.status, 403);
}

TEST_F(FallbackTest, NeverTriesAgainWhenTheClientHasHeardSomething) {
  for (const Kind kind : {Kind::kText, Kind::kReasoning, Kind::kToolCall, Kind::kUpstream}) {
    sink.failure.reset();
    start({.retries = 3});
    first.sink->on_event({.kind = kind, .text = "x", .id = "i", .name = "n"});
    fail(first, FailureKind::kUnreachable);
    EXPECT_EQ(sink.failure, FailureKind::kUnreachable);
  }
}

TEST_F(FallbackTest, TriesAgainAfterMereProgress) {
  start({});
  first.sink->on_event({.kind = Kind::kProgress});
  fail(first, FailureKind::kTruncated);
  pass(Duration(0));
  EXPECT_EQ(second.prompts.size(), 1u);
}

TEST_F(FallbackTest, LeavesATryThatGivesNoSignOfLife) {
  start({.try_timeout = Duration(100)});
  pass(Duration(100));
  EXPECT_EQ(first.cancelled, 1);
  pass(Duration(0));
  EXPECT_EQ(second.prompts.size(), 1u);
  pass(Duration(100'000));
  EXPECT_FALSE(sink.failure) << "the last one may take as long as the stream waits";
}

TEST_F(FallbackTest, LetsATryLiveThatShowsProgress) {
  start({.try_timeout = Duration(100)});
  first.sink->on_event({.kind = Kind::kProgress});
  pass(Duration(1000));
  EXPECT_EQ(first.cancelled, 0);
}

TEST_F(FallbackTest, StartsNothingMoreWhenItIsCancelledInAPause) {
  start({.retries = 1});
  fail(first, FailureKind::kUnreachable);
  session->cancel();
  pass(kMaxRetryPause);
  EXPECT_EQ(first.prompts.size(), 1u);
  EXPECT_TRUE(second.prompts.empty());
  session.reset();
  EXPECT_EQ(first.destroyed, 1);
}

TEST_F(FallbackTest, PausesAndResumesThePresentTry) {
  start({});
  fail(first, FailureKind::kUnreachable);
  pass(Duration(0));
  session->pause();
  session->resume();
  EXPECT_EQ(second.paused, 1);
  EXPECT_EQ(second.resumed, 1);
}

TEST_F(FallbackTest, WaitsLongerEachTimeWithinABound) {
  start({});
  Duration shortest = Duration(0);
  for (int tries = 0; tries < 20; ++tries) {
    const Duration pause = backend->pause_after(tries);
    EXPECT_GT(pause, shortest / 2);
    EXPECT_LE(pause, kMaxRetryPause);
    shortest = std::max(shortest, pause);
  }
}

}  // namespace
}  // namespace streaming
