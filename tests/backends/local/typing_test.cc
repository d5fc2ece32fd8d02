// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <gtest/gtest.h>

#include "backends/local/typing_rhythm.h"
#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

class TypingTest : public testing::Test {
 protected:
  std::unique_ptr<BackendSession> start(std::string_view prompt) {
    HandoffRequest request;
    request.prompt = prompt;
    return backend->start(request, sink);
  }
  // Lets time pass until nothing is due any more.
  void run_to_end() {
    while (const auto next = timers.next_expiry()) {
      timers.set_now(*next);
      timers.expire();
    }
  }

  Config config;
  FakeHttpClient http;
  TimerWheel timers{Time(Duration(5000))};
  RecordingSink sink;
  std::unique_ptr<DirectBackend> backend = make_typing_backend(BackendEnvironment{config, timers, http});
};

TEST_F(TypingTest, TypesOneCharacterAfterTheOtherAndEnds) {
  const auto session = start("What is the answer?");
  EXPECT_TRUE(sink.events.empty()) << "never from within start()";
  run_to_end();
  EXPECT_EQ(sink.ends, 1);
  EXPECT_GT(sink.events.size(), 40u);
  for (const auto& event : sink.events) EXPECT_EQ(event.text.size(), first_character_bytes(event.text));
}

TEST_F(TypingTest, KnowsWhatVisitorsSayFirst) {
  const auto greeting = start("  Hello! ");
  run_to_end();
  EXPECT_TRUE(sink.all_text().starts_with("Hello!")) << sink.all_text();
  sink.events.clear();
  const auto self = start("Who are you?");
  run_to_end();
  EXPECT_NE(sink.all_text().find("typing backend"), std::string::npos);
}

TEST_F(TypingTest, WaitsWhilePausedAndLosesNothing) {
  const auto session = start("hello");
  timers.expire();
  session->pause();
  run_to_end();
  EXPECT_EQ(sink.events.size(), 1u);
  session->resume();
  run_to_end();
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.events.size(), sink.all_text().size());
}

TEST_F(TypingTest, SaysNothingMoreOnceCancelled) {
  const auto session = start("hello");
  timers.expire();
  session->cancel();
  session->resume();
  run_to_end();
  EXPECT_EQ(sink.events.size(), 1u);
}

}  // namespace
}  // namespace streaming
