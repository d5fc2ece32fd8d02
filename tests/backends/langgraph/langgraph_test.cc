// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"
#include "backends/langgraph/known_threads.h"
#include "backends/limits.h"

namespace streaming {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kBegin[] = "event: metadata\ndata: {\"run_id\":\"r-1\"}\n\n";
constexpr char kHi[] = "event: messages\ndata: [{\"type\":\"ai\",\"content\":\"Hi\"},{}]\n\n";

class LangGraphTest : public BackendTest {
 protected:
  LangGraphTest() : BackendTest(make_langgraph_backend) { config.langgraph_api_base = "http://localhost:1234/api/"; }

  void start_on_thread(bool continue_without_client = false) {
    HandoffRequest request;
    request.thread_id = "t-1";
    request.continue_without_client = continue_without_client;
    start(request);
  }
  void head(int status = 200, std::string_view location = "/threads/t-1/runs/r-1") {
    http.receiver->on_head({.status = status, .content_type = {}, .retry_after = {}, .content_location = location});
  }
  // The server reports that the thread exists.
  void thread_created(int status = 200) {
    head(status, "");
    finished();
    pass();
  }
};

TEST_F(LangGraphTest, AsksForARunWithoutAThread) {
  config.langgraph_api_key = "lgk-1";
  HandoffRequest request;
  request.prompt = "hello";
  request.test_pattern = "pattern";
  start(request);
  EXPECT_EQ(http.request.url, "http://localhost:1234/api/runs/stream");
  EXPECT_THAT(http.request.headers, Contains("X-Api-Key: lgk-1"));
  EXPECT_THAT(http.request.headers, Contains("X-Test-Pattern: pattern"));
  EXPECT_THAT(http.request.body, StartsWith("{\"assistant_id\":\"agent\",\"input\":{\"messages\":["));
}

TEST_F(LangGraphTest, SendsNoKeyWhereThereIsNone) {
  start();
  EXPECT_THAT(http.request.headers, Not(Contains(StartsWith("X-Api-Key"))));
}

TEST_F(LangGraphTest, PassesTextOnAndEndsWithTheBody) {
  start();
  head();
  body(std::string(kBegin) + kHi);
  EXPECT_EQ(sink.ends, 0);
  finished();
  EXPECT_EQ(sink.all_text(), "Hi");
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(LangGraphTest, EndsAtTheEventThatSaysSo) {
  start();
  head();
  body(std::string(kHi) + "event: end\ndata: null\n\n");
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(LangGraphTest, TakesABrokenConnectionAndAnEmptyBodyForTruncated) {
  start();
  head();
  body(kHi);
  finished("connection reset");
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);

  sink = {};
  start();
  head();
  finished();
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);
}

TEST_F(LangGraphTest, CreatesTheThreadBeforeItsFirstRunAndRemembersIt) {
  start_on_thread();
  EXPECT_EQ(http.request.url, "http://localhost:1234/api/threads");
  EXPECT_EQ(http.request.body, R"({"thread_id":"t-1","if_exists":"do_nothing"})");
  thread_created();
  EXPECT_EQ(http.request.url, "http://localhost:1234/api/threads/t-1/runs/stream");
  session.reset();

  start_on_thread();
  EXPECT_EQ(http.request.url, "http://localhost:1234/api/threads/t-1/runs/stream");
}

TEST_F(LangGraphTest, TakesAThreadThatIsThereAlready) {
  start_on_thread();
  thread_created(409);
  EXPECT_THAT(http.request.url, HasSubstr("/runs/stream"));
}

TEST_F(LangGraphTest, CreatesARememberedThreadAgainWhichTheServerHasForgotten) {
  start_on_thread();
  thread_created();
  session.reset();
  HandoffRequest request;
  request.thread_id = "t-1";
  request.prompt = "once more";
  start(request);
  head(404);
  EXPECT_EQ(sink.failure, std::nullopt);
  pass();
  EXPECT_THAT(http.request.url, testing::EndsWith("/threads"));
  thread_created();
  EXPECT_THAT(http.request.body, HasSubstr("once more"));
  head(404);
  EXPECT_EQ(sink.status, 404) << "it is not the thread that is missing";
}

TEST_F(LangGraphTest, FailsWhereTheThreadCannotBeCreated) {
  start_on_thread();
  head(500);
  finished();
  EXPECT_EQ(sink.failure, FailureKind::kStatus);
  EXPECT_EQ(sink.status, 500);

  sink = {};
  start_on_thread();
  finished("could not connect");
  EXPECT_EQ(sink.failure, FailureKind::kUnreachable);
}

TEST_F(LangGraphTest, CancelsTheRunWhenTheClientLeaves) {
  config.langgraph_api_key = "lgk-1";
  start();
  head(200, "/threads/t-9/runs/r-9");
  body(kBegin);
  session->cancel();
  EXPECT_EQ(http.receiver, nullptr);
  session.reset();
  EXPECT_TRUE(backend->in_use()) << "the worker must not end yet";
  pass();
  EXPECT_EQ(http.request.url, "http://localhost:1234/api/threads/t-9/runs/r-9/cancel?wait=0&action=interrupt");
  EXPECT_THAT(http.request.headers, Contains("X-Api-Key: lgk-1"));
  head(202);
  finished();
  pass();
  EXPECT_FALSE(backend->in_use());
}

TEST_F(LangGraphTest, DoesNotWaitForTheCancellationForEver) {
  start();
  head();
  session->cancel();
  pass();
  EXPECT_TRUE(backend->in_use());
  pass(kGoodbyeTimeout + Duration(64));
  pass();
  EXPECT_FALSE(backend->in_use());
  EXPECT_EQ(http.receiver, nullptr);
}

TEST_F(LangGraphTest, CancelsNoMoreRunsAtOnceThanItsLimit) {
  for (std::size_t i = 0; i <= kMaxRunCancellations; ++i) {
    start();
    head();
    session->cancel();
  }
  http.request.url.clear();
  backend.reset();
  EXPECT_EQ(http.request.url, "") << "what was not sent is dropped";
}

TEST_F(LangGraphTest, CancelsNoRunThatHasEndedOrIsToGoOnOrIsUnknown) {
  start();
  head();
  body("event: end\ndata: null\n\n");
  session->cancel();
  EXPECT_FALSE(backend->in_use());

  start();
  head();
  body("event: error\ndata: {}\n\n");
  session->cancel();
  EXPECT_FALSE(backend->in_use());

  HandoffRequest request;
  request.continue_without_client = true;
  start(request);
  head();
  session->cancel();
  EXPECT_FALSE(backend->in_use());

  start();
  head(200, "/runs/r-1");
  session->cancel();
  EXPECT_FALSE(backend->in_use());
}

TEST_F(LangGraphTest, StopsBetweenThreadAndRunWhenTheClientLeaves) {
  start_on_thread();
  head(200, "");
  finished();
  session->cancel();
  http.request.url.clear();
  pass();
  EXPECT_EQ(http.request.url, "");
}

TEST_F(LangGraphTest, HandsPauseAndResumeToTheRun) {
  start();
  session->pause();
  EXPECT_TRUE(http.paused);
  session->resume();
  EXPECT_FALSE(http.paused);
}

TEST_F(LangGraphTest, TakesFromAProfileWhatItSaysAndTheRestFromTheBackend) {
  config.langgraph_api_key = "lgk-1";
  config.langgraph_profiles["fast"] = {{"api_base", "http://fast:1"}, {"assistant_id", "quick"}};
  HandoffRequest request;
  request.profile = "fast";
  start(request);
  EXPECT_EQ(http.request.url, "http://fast:1/runs/stream");
  EXPECT_THAT(http.request.headers, Contains("X-Api-Key: lgk-1"));
  EXPECT_THAT(http.request.body, StartsWith("{\"assistant_id\":\"quick\""));
}

TEST_F(LangGraphTest, HasTheFormatOfTheProfileElseOfTheBackend) {
  config.langgraph_format = "raw";
  config.langgraph_profiles["chat"] = {{"format", "ui-message"}};
  config.langgraph_profiles["other"] = {};
  make_backend();
  HandoffRequest request;
  EXPECT_EQ(backend->format(request), "raw");
  request.profile = "other";
  EXPECT_EQ(backend->format(request), "raw");
  request.profile = "chat";
  EXPECT_EQ(backend->format(request), "ui-message");
}

TEST_F(LangGraphTest, RefusesWhatItCannotAsk) {
  make_backend();
  HandoffRequest request;
  EXPECT_EQ(backend->refusal_for(request), std::nullopt);
  request.profile = "none";
  ASSERT_TRUE(backend->refusal_for(request));
  EXPECT_EQ(backend->refusal_for(request)->status, 400);
  request.profile = {};
  request.thread_id = "../../secrets";
  ASSERT_TRUE(backend->refusal_for(request));
  EXPECT_EQ(backend->refusal_for(request)->status, 400);
}

TEST(KnownThreads, KnowsWhatWasAddedAndNotForgotten) {
  KnownThreads threads;
  EXPECT_FALSE(threads.contains("a"));
  threads.forget("a");
  threads.add("a");
  EXPECT_TRUE(threads.contains("a"));
  EXPECT_FALSE(threads.contains("b"));
  threads.forget("a");
  EXPECT_FALSE(threads.contains("a"));
}

}  // namespace
}  // namespace streaming
