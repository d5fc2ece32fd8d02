// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"
#include "backends/limits.h"
#include "backends/local/typing_rhythm.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

class TypedAnswerTest : public BackendTest {
 protected:
  TypedAnswerTest() : BackendTest(make_typing_backend) {
    config.typing_use_api = true;
    config.openai_api_base = "http://localhost:1234/v1";
    start("hello");
    http.receiver->on_head({.status = 200, .content_type = {}, .retry_after = {}, .content_location = {}});
  }

  void answer(const std::string& text) {
    body("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}\n\n");
  }
  void end_answer() {
    body("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n");
    body("data: [DONE]\n\n");
  }
};

TEST_F(TypedAnswerTest, TypesWhatTheApiAnswersOneCharacterAfterTheOther) {
  EXPECT_THAT(http.request.url, testing::HasSubstr("/chat/completions"));
  answer("Hi, ");
  EXPECT_EQ(sink.count(Kind::kText), 0u);
  answer("you\\u00e9!");
  end_answer();
  EXPECT_EQ(sink.ends, 0) << "it is still being typed";
  pass_until_idle();
  EXPECT_EQ(sink.all_text(), "Hi, you\xC3\xA9!");
  EXPECT_EQ(sink.count(Kind::kText), 9u);
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.finish_reason, FinishReason::kLength);
}

TEST_F(TypedAnswerTest, GoesOnWhenTheApiHasMadeAPause) {
  answer("a");
  pass_until_idle();
  answer("b");
  pass_until_idle();
  EXPECT_EQ(sink.all_text(), "ab");
  end_answer();
  EXPECT_EQ(sink.ends, 1) << "nothing is left to be typed";
}

TEST_F(TypedAnswerTest, SaysAtOnceWhatABrokenAnswerHad) {
  answer("half an ans");
  finished("broken");
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
