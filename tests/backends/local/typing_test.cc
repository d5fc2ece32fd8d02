// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"
#include "backends/local/typing_rhythm.h"

namespace streaming {
namespace {

class TypingTest : public BackendTest {
 protected:
  TypingTest() : BackendTest(make_typing_backend) {}
};

TEST_F(TypingTest, TypesOneCharacterAfterTheOtherAndEnds) {
  start("What is the answer?");
  EXPECT_TRUE(sink.events.empty()) << "never from within start()";
  pass_until_idle();
  EXPECT_EQ(sink.ends, 1);
  EXPECT_GT(sink.events.size(), 40u);
  for (const auto& event : sink.events) EXPECT_EQ(event.text.size(), first_character_bytes(event.text));
}

TEST_F(TypingTest, KnowsWhatVisitorsSayFirst) {
  start("  Hello! ");
  pass_until_idle();
  EXPECT_TRUE(sink.all_text().starts_with("Hello!")) << sink.all_text();
  sink.events.clear();
  start("Who are you?");
  pass_until_idle();
  EXPECT_NE(sink.all_text().find("typing backend"), std::string::npos);
}

TEST_F(TypingTest, WaitsWhilePausedAndLosesNothing) {
  start("hello");
  timers.expire();
  session->pause();
  pass_until_idle();
  EXPECT_EQ(sink.events.size(), 1u);
  session->resume();
  pass_until_idle();
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.events.size(), sink.all_text().size());
}

TEST_F(TypingTest, SaysNothingMoreOnceCancelled) {
  start("hello");
  timers.expire();
  session->cancel();
  session->resume();
  pass_until_idle();
  EXPECT_EQ(sink.events.size(), 1u);
}

}  // namespace
}  // namespace streaming
