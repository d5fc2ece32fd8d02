#include "backends/openai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

using testing::Contains;
using testing::StartsWith;

constexpr char kHi[] = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
constexpr char kStop[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
constexpr char kDone[] = "data: [DONE]\n\n";

class OpenAiTest : public testing::Test {
 protected:
  void start(HandoffRequest request = {}) {
    session.reset();
    backend = make_openai_backend(BackendEnvironment{config, timers, http});
    session = backend->start(request, sink);
  }
  void head(int status = 200) {
    http.receiver->on_head(HttpHead{.status = status, .content_type = "text/event-stream"});
  }
  void body(std::string_view bytes) { http.receiver->on_body(bytes); }
  void finished(std::string_view error = "") { http.receiver->on_finished(error); }

  Config config;
  TimerWheel timers{Time(Duration(1))};
  FakeHttpClient http;
  RecordingSink sink;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<BackendSession> session;
};

TEST_F(OpenAiTest, AsksWithTheKeyAtTheConfiguredBase) {
  config.openai_api_base = "http://localhost:1234/v1/";
  config.openai_api_key = "sk-1";
  config.openai_model = "m";
  HandoffRequest request;
  request.prompt = "hello";
  request.test_pattern = "pattern";
  start(request);
  EXPECT_EQ(http.request.url, "http://localhost:1234/v1/chat/completions");
  EXPECT_THAT(http.request.headers, Contains("Authorization: Bearer sk-1"));
  EXPECT_THAT(http.request.headers, Contains("X-Test-Pattern: pattern"));
  EXPECT_THAT(http.request.body, StartsWith("{\"model\":\"m\""));
}

TEST_F(OpenAiTest, SendsNoAuthorizationWithoutAKey) {
  start();
  EXPECT_THAT(http.request.headers, Not(Contains(StartsWith("Authorization"))));
}

TEST_F(OpenAiTest, PassesTextOnAndEndsAtDone) {
  start();
  head();
  body(kHi);
  body(kHi);
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
  EXPECT_EQ(sink.progress, 2);
  EXPECT_TRUE(sink.texts.empty());
}

TEST_F(OpenAiTest, TakesAFinishReasonAndTheBodysEndForAGoodEnd) {
  start();
  head();
  body(std::string(kHi) + kStop);
  EXPECT_EQ(sink.ends, 0) << "usage may follow";
  finished();
  EXPECT_EQ(sink.ends, 1);
}

TEST_F(OpenAiTest, TakesABodyThatEndsWithNeitherForTruncated) {
  start();
  head();
  body(kHi);
  finished();
  EXPECT_EQ(sink.ends, 0);
  EXPECT_EQ(sink.failure, BackendFailure::kTruncated);
}

TEST_F(OpenAiTest, TellsALostConnectionFromOneThatNeverWas) {
  start();
  finished("could not connect");
  EXPECT_EQ(sink.failure, BackendFailure::kUnreachable);

  sink = {};
  start();
  head();
  body(kHi);
  finished("connection reset");
  EXPECT_EQ(sink.failure, BackendFailure::kTruncated);
}

TEST_F(OpenAiTest, FailsAtAStatusThatIsNotOkAndReadsNothingOfItsBody) {
  start();
  head(429);
  EXPECT_EQ(sink.failure, BackendFailure::kStatus);
  body(kHi);
  finished();
  EXPECT_TRUE(sink.texts.empty());
  EXPECT_EQ(sink.ends, 0);
}

TEST_F(OpenAiTest, FailsAtAnErrorInTheStreamThoughDoneFollows) {
  start();
  head();
  body(std::string(kHi) + "data: {\"error\":{\"message\":\"x\"}}\n\n" + kDone);
  EXPECT_EQ(sink.failure, BackendFailure::kReported);
  EXPECT_EQ(sink.ends, 0);
}

TEST_F(OpenAiTest, FailsAtWhatIsNoChunk) {
  start();
  head();
  body("data: <html>\n\n");
  EXPECT_EQ(sink.failure, BackendFailure::kMalformed);
}

TEST_F(OpenAiTest, FailsAtAnEventWithoutEnd) {
  start();
  head();
  const std::string piece(64 * 1024, 'x');
  for (std::size_t sent = 0; sent <= kMaxUpstreamEventBytes && !sink.failure; sent += piece.size()) body(piece);
  EXPECT_EQ(sink.failure, BackendFailure::kTooLarge);
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

TEST_F(OpenAiTest, NeedsAUrl) {
  config.openai_api_base = "api.example.com/v1";
  const Status valid = validate_openai_backend(config);
  ASSERT_FALSE(valid.ok());
  EXPECT_NE(valid.error().message.find("OPENAI_API_BASE"), std::string::npos);
}

}  // namespace
}  // namespace streaming
