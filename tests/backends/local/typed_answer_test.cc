// SPDX-License-Identifier: Apache-2.0
#include "backends/limits.h"
#include "backends/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/local/typing_rhythm.h"
#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

class TypedAnswerTest : public testing::Test {
 protected:
  TypedAnswerTest() {
    config.typing_use_api = true;
    config.openai_api_base = "http://localhost:1234/v1";
    backend = make_typing_backend(BackendEnvironment{config, timers, http});
    HandoffRequest request;
    request.prompt = "hello";
    session = backend->start(request, sink);
    http.receiver->on_head({.status = 200, .content_type = {}, .retry_after = {}, .content_location = {}});
  }

  void answer(const std::string& text) {
    http.receiver->on_body("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}\n\n");
  }
  void end_answer() {
    http.receiver->on_body("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n");
    http.receiver->on_body("data: [DONE]\n\n");
  }
  // Lets time pass until nothing is due any more.
  void type() {
    while (const auto next = timers.next_expiry()) {
      timers.set_now(*next);
      timers.expire();
    }
  }

  Config config;
  FakeHttpClient http;
  TimerWheel timers{Time(Duration(5000))};
  RecordingSink sink;
  std::unique_ptr<DirectBackend> backend;
  std::unique_ptr<BackendSession> session;
};

TEST_F(TypedAnswerTest, TypesWhatTheApiAnswersOneCharacterAfterTheOther) {
  EXPECT_THAT(http.request.url, testing::HasSubstr("/chat/completions"));
  answer("Hi, ");
  EXPECT_EQ(sink.count(Kind::kText), 0u);
  answer("you\\u00e9!");
  end_answer();
  EXPECT_EQ(sink.ends, 0) << "it is still being typed";
  type();
  EXPECT_EQ(sink.all_text(), "Hi, you\xC3\xA9!");
  EXPECT_EQ(sink.count(Kind::kText), 9u);
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.finish_reason, FinishReason::kLength);
}

TEST_F(TypedAnswerTest, GoesOnWhenTheApiHasMadeAPause) {
  answer("a");
  type();
  answer("b");
  type();
  EXPECT_EQ(sink.all_text(), "ab");
  end_answer();
  EXPECT_EQ(sink.ends, 1) << "nothing is left to be typed";
}

TEST_F(TypedAnswerTest, SaysAtOnceWhatABrokenAnswerHad) {
  answer("half an ans");
  http.receiver->on_finished("broken");
  EXPECT_EQ(sink.all_text(), "half an ans");
  EXPECT_EQ(sink.failure, FailureKind::kTruncated);
  session->cancel();
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

TEST_F(TypedAnswerTest, HoldsNoMoreThanABoundedTextBack) {
  const std::string text(kMaxUntypedBytes + 1, 'x');
  answer(text);
  EXPECT_EQ(sink.all_text(), text);
}

TEST_F(TypedAnswerTest, TypesNothingMoreWhenItIsCancelled) {
  answer("hello");
  end_answer();
  session->cancel();
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
  EXPECT_EQ(http.receiver, nullptr);
}

}  // namespace
}  // namespace streaming
