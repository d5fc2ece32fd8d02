// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"

namespace streaming {
namespace {

class MockTest : public BackendTest {
 protected:
  MockTest() : BackendTest(make_mock_backend) {}
};

TEST_F(MockTest, SaysEighteenPiecesAtItsPaceAndEnds) {
  start("hi");
  EXPECT_TRUE(sink.events.empty()) << "never from within start()";
  timers.expire();
  EXPECT_EQ(sink.events.size(), 1u) << "the first at once";
  for (std::size_t event = 2; event <= 18; ++event) {
    pass(config.mock_delay - Duration(1));
    EXPECT_EQ(sink.events.size(), event - 1);
    EXPECT_EQ(sink.ends, 0);
    pass(Duration(1));
    EXPECT_EQ(sink.events.size(), event);
  }
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

TEST_F(MockTest, KeepsItsPaceWhenATurnComesLate) {
  start("hi");
  timers.expire();
  pass(config.mock_delay + Duration(30));
  EXPECT_EQ(sink.events.size(), 2u);
  pass(config.mock_delay - Duration(30));
  EXPECT_EQ(sink.events.size(), 3u) << "lateness does not add up";
}

TEST_F(MockTest, RepeatsThePromptsFirstFiftyCharactersWholeOnes) {
  std::string prompt;
  for (int i = 0; i < 60; ++i) prompt += "\xC3\xA9";
  start(prompt);
  timers.expire();
  EXPECT_NE(sink.events[0].text.find(prompt.substr(0, 100) + " "), std::string::npos);
  EXPECT_EQ(sink.events[0].text.find(prompt.substr(0, 102)), std::string::npos);
}

TEST_F(MockTest, SaysNothingMoreOnceCancelled) {
  start("hi");
  timers.expire();
  session->cancel();
  pass(Duration(10'000));
  EXPECT_EQ(sink.events.size(), 1u);
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

TEST_F(MockTest, WaitsWhilePausedAndLosesNothing) {
  start("hi");
  timers.expire();
  session->pause();
  pass(Duration(10'000));
  EXPECT_EQ(sink.events.size(), 1u);
  session->resume();
  for (int i = 0; i < 17; ++i) pass(config.mock_delay);
  EXPECT_EQ(sink.events.size(), 18u);
  EXPECT_EQ(sink.ends, 1);
}

}  // namespace
}  // namespace streaming
