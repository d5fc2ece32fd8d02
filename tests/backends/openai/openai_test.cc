// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"

namespace streaming {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kHiChunk[] = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
constexpr char kStop[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
constexpr char kDone[] = "data: [DONE]\n\n";

class OpenAiTest : public BackendTest {
 protected:
  OpenAiTest() : BackendTest(make_openai_backend) {}

  void head(int status = 200, std::string_view retry_after = "") {
    http.receiver->on_head({.status = status, .content_type = "text/event-stream", .retry_after = retry_after});
  }
};

TEST_F(OpenAiTest, AsksWithTheKeyAtTheConfiguredBase) {
  config.openai_api_base = "http://localhost:1234/v1/";
  config.openai_api_key = "sk-1";
  config.openai_model = "m";
  HandoffRequest request;
  request.prompt = "hello";
  request.test_pattern = "pattern";
  request.request_id = "r-1";
  request.traceparent = "00-1-2-01";
  start(request);
  EXPECT_EQ(http.request.url, "http://localhost:1234/v1/chat/completions");
  EXPECT_THAT(http.request.headers, Contains("Authorization: Bearer sk-1"));
  EXPECT_THAT(http.request.headers, Contains("X-Test-Pattern: pattern"));
  EXPECT_THAT(http.request.headers, Contains("X-Request-Id: r-1"));
  EXPECT_THAT(http.request.headers, Contains("traceparent: 00-1-2-01"));
  EXPECT_THAT(http.request.body, StartsWith("{\"model\":\"m\""));
}

TEST_F(OpenAiTest, SendsNoAuthorizationWithoutAKey) {
  start();
  EXPECT_THAT(http.request.headers, Not(Contains(StartsWith("Authorization"))));
}

TEST_F(OpenAiTest, AsksAzureAsItWantsToBeAsked) {
  config.openai_api_base = "https://x.openai.azure.com/openai/deployments/{model}?api-version=2024-10-21";
  config.openai_api_key = "k";
  config.openai_api_key_header = "api-key";
  HandoffRequest request;
  request.model = "mine";
  start(request);
  EXPECT_EQ(http.request.url,
            "https://x.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-10-21");
  EXPECT_THAT(http.request.headers, Contains("api-key: k"));
}

TEST_F(OpenAiTest, AsksTheResponsesApiWhereToldTo) {
  config.openai_api = "responses";
  HandoffRequest request;
  request.prompt = "hi";
  start(request);
  EXPECT_EQ(http.request.url, "https://api.openai.com/v1/responses");
  EXPECT_THAT(http.request.body, HasSubstr("\"input\":\"hi\""));
  head();
  body("data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n");
  finished();
  EXPECT_EQ(sink.all_text(), "Hi");
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);
}

TEST_F(OpenAiTest, FailsAtAGoodStatusWithSomethingElseThanAnEventStream) {
  for (const char* type : {"text/html; charset=utf-8", "application/json", "Application/JSON;x=y"}) {
    sink = {};
    start();
    http.receiver->on_head({.status = 200, .content_type = type});
    EXPECT_EQ(sink.failure, FailureKind::kMalformed) << type;
  }
  for (const char* type : {"", "Text/Event-Stream;charset=UTF-8", "text/plain", "application/octet-stream"}) {
    sink = {};
    start();
    http.receiver->on_head({.status = 200, .content_type = type});
    EXPECT_EQ(sink.failure, std::nullopt) << type;
  }
}

TEST_F(OpenAiTest, TakesAnotherGoodStatusWhereTheAnswerSaysThatItIsAnEventStream) {
  start();
  http.receiver->on_head({.status = 201, .content_type = "text/event-stream"});
  body(std::string(kHiChunk) + kDone);
  EXPECT_EQ(sink.all_text(), "Hi");
  EXPECT_EQ(sink.ends, 1);
  sink = {};
  start();
  http.receiver->on_head({.status = 201, .content_type = "text/plain"});
  EXPECT_EQ(sink.failure, FailureKind::kMalformed);
}

TEST_F(OpenAiTest, ForbidsCompressionAndFailsAtIt) {
  start();
  EXPECT_THAT(http.request.headers, Contains("Accept-Encoding: identity"));
  http.receiver->on_head({.status = 200, .content_type = "text/event-stream", .content_encoding = "gzip"});
  EXPECT_EQ(sink.failure, FailureKind::kCompressed);
  sink = {};
  start();
  http.receiver->on_head({.status = 200, .content_type = "text/event-stream", .content_encoding = "identity"});
  EXPECT_EQ(sink.failure, std::nullopt);
}

TEST_F(OpenAiTest, SaysWhoAsksAndSendsTheConfiguredHeaders) {
  config.openai_headers = {{"OpenAI-Project", {"p", ""}}, {"X-Secret", {"s", "/some/file"}}};
  start();
  EXPECT_THAT(http.request.headers, Contains(StartsWith("User-Agent: streaming-daemon/")));
  EXPECT_THAT(http.request.headers, Contains("OpenAI-Project: p"));
  EXPECT_THAT(http.request.headers, Contains("X-Secret: s"));
  config.backend_user_agent = "mine/1";
  make_backend();
  start();
  EXPECT_THAT(http.request.headers, Contains("User-Agent: mine/1"));
}

TEST_F(OpenAiTest, RefusesAModelThatWouldLeadElsewhere) {
  config.openai_api_base = "https://x.example/deployments/{model}";
  start();
  HandoffRequest request;
  for (const char* model : {".", ".."}) {
    request.model = model;
    EXPECT_EQ(backend->refusal_for(request).value().status, 400) << model;
  }
  request.model = "...";
  EXPECT_FALSE(backend->refusal_for(request));
  config.openai_api_base = "https://x.example/v1";
  request.model = "..";
  EXPECT_FALSE(backend->refusal_for(request)) << "it is not in the URL";
}

TEST_F(OpenAiTest, PassesTextOnAndEndsAtDone) {
  start();
  head();
  body(kHiChunk);
  body(kHiChunk);
  body(std::string(kStop) + kDone);
  EXPECT_EQ(sink.all_text(), "HiHi");
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.failure, std::nullopt);
  EXPECT_TRUE(http.let_finish) << "the connection is of use to the next";
}

TEST_F(OpenAiTest, TellsThatTheModelWorksWhileItThinksOrCallsATool) {
  start();
  head();
  body("data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n");
  body("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}\n\n");
  EXPECT_GE(sink.count(AnswerEvent::Kind::kProgress), 2u);
  EXPECT_EQ(sink.all_text(), "");
}

TEST_F(OpenAiTest, TakesAFinishReasonAndTheBodysEndForAGoodEnd) {
  start();
  head();
  body(std::string(kHiChunk) + kStop);
  EXPECT_EQ(sink.ends, 0) << "usage may follow";
  finished();
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(OpenAiTest, TakesABodyThatEndsWithNeitherForTruncated) {
  start();
  head();
  body(kHiChunk);
  finished();
  EXPECT_EQ(sink.ends, 0);
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);
}

TEST_F(OpenAiTest, TellsALostConnectionFromOneThatNeverWas) {
  start();
  finished("could not connect");
  EXPECT_EQ(sink.failure, FailureKind::kUnreachable);

  sink = {};
  start();
  head();
  body(kHiChunk);
  finished("connection reset");
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);
}

TEST_F(OpenAiTest, FailsAtAStatusThatIsNotOkAndReadsNothingOfItsBody) {
  start();
  head(429);
  EXPECT_EQ(sink.failure, FailureKind::kStatus);
  body(kHiChunk);
  finished();
  EXPECT_EQ(sink.all_text(), "");
  EXPECT_EQ(sink.ends, 0);
}

TEST_F(OpenAiTest, TellsWhichStatusItWasAndWhenToAskAgain) {
  for (const auto& [written, seconds] : {std::pair{"7", 7}, {"", 0}}) {
    start();
    head(429, written);
    EXPECT_EQ(sink.status, 429);
    EXPECT_EQ(sink.retry_after_seconds, seconds) << written;
  }
}

TEST_F(OpenAiTest, HandsTheUpstreamsEventsOutToWhoWantsThem) {
  sink.wants_upstream = true;
  start();
  head();
  body("event: e\nid: 1\ndata: {\"a\":\ndata: 1}\n\n");
  ASSERT_FALSE(sink.events.empty());
  EXPECT_EQ(sink.events.back(), (RecordingSink::Event{AnswerEvent::Kind::kUpstream, 0, "{\"a\":\n1}", "1", "e"}));
}

TEST_F(OpenAiTest, TakesAnEventWithoutDataForAHeartbeat) {
  sink.wants_upstream = true;
  start();
  head();
  body("data:\n\nevent: ping\ndata: \n\n");
  EXPECT_EQ(sink.count(AnswerEvent::Kind::kUpstream), 0u) << "npm's openai throws at it";
  EXPECT_EQ(sink.failure, std::nullopt);
}

TEST_F(OpenAiTest, FailsAtAnErrorInTheStreamThoughDoneFollows) {
  start();
  head();
  body(std::string(kHiChunk) + "data: {\"error\":{\"message\":\"x\"}}\n\n" + kDone);
  EXPECT_EQ(sink.failure, FailureKind::kReported);
  EXPECT_EQ(sink.ends, 0);
}

TEST_F(OpenAiTest, FailsAtWhatIsNoChunk) {
  start();
  head();
  body("data: <html>\n\n");
  EXPECT_EQ(sink.failure, FailureKind::kMalformed);
}

TEST_F(OpenAiTest, FailsAtAnEventWithoutEnd) {
  start();
  head();
  const std::string piece(64 * 1024, 'x');
  const auto limit = static_cast<std::size_t>(config.max_event_bytes);
  for (std::size_t sent = 0; sent <= limit && !sink.failure; sent += piece.size()) body(piece);
  EXPECT_EQ(sink.failure, FailureKind::kTooLarge);
}

TEST_F(OpenAiTest, TakesAsLargeAnEventAsIsConfigured) {
  config.max_event_bytes = 4 * 1024 * 1024;
  start();
  head();
  const std::string text(3 * 1024 * 1024, 'x');
  body("data: {\"choices\":[{\"delta\":{\"content\":\"" + text + "\"}}]}\n\n");
  EXPECT_EQ(sink.failure, std::nullopt);
  EXPECT_EQ(sink.all_text(), text);
}

TEST_F(OpenAiTest, HandsPauseResumeAndCancelToTheTransfer) {
  start();
  session->pause();
  EXPECT_TRUE(http.paused);
  session->resume();
  EXPECT_FALSE(http.paused);
  session->cancel();
  EXPECT_EQ(http.receiver, nullptr) << "the request is cancelled at once";
}

TEST_F(OpenAiTest, NamesTheModelThatItAsksFor) {
  config.openai_model = "standard";
  start();
  HandoffRequest request;
  EXPECT_EQ(backend->model(request), "standard");
  request.model = "mine";
  EXPECT_EQ(backend->model(request), "mine");
}

}  // namespace
}  // namespace streaming
