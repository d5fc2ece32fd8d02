// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <gtest/gtest.h>

#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

constexpr Time kStart = Time(Duration(5000));

class MockTest : public testing::Test {
 protected:
  std::unique_ptr<BackendSession> start(std::string_view prompt) {
    HandoffRequest request;
    request.prompt = prompt;
    return backend->start(request, sink);
  }
  void advance(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }

  Config config;
  FakeHttpClient http;
  TimerWheel timers{kStart};
  RecordingSink sink;
  std::unique_ptr<DirectBackend> backend = make_mock_backend(BackendEnvironment{config, timers, http});
};

TEST_F(MockTest, SaysEighteenPiecesAtItsPaceAndEnds) {
  const auto session = start("hi");
  EXPECT_TRUE(sink.events.empty()) << "never from within start()";
  timers.expire();
  EXPECT_EQ(sink.events.size(), 1u) << "the first at once";
  for (std::size_t event = 2; event <= 18; ++event) {
    advance(config.mock_delay - Duration(1));
    EXPECT_EQ(sink.events.size(), event - 1);
    EXPECT_EQ(sink.ends, 0);
    advance(Duration(1));
    EXPECT_EQ(sink.events.size(), event);
  }
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

TEST_F(MockTest, KeepsItsPaceWhenATurnComesLate) {
  const auto session = start("hi");
  timers.expire();
  advance(config.mock_delay + Duration(30));
  EXPECT_EQ(sink.events.size(), 2u);
  advance(config.mock_delay - Duration(30));
  EXPECT_EQ(sink.events.size(), 3u) << "lateness does not add up";
}

TEST_F(MockTest, RepeatsThePromptsFirstFiftyCharactersWholeOnes) {
  std::string prompt;
  for (int i = 0; i < 60; ++i) prompt += "\xC3\xA9";
  const auto session = start(prompt);
  timers.expire();
  EXPECT_NE(sink.events[0].text.find(prompt.substr(0, 100) + " "), std::string::npos);
  EXPECT_EQ(sink.events[0].text.find(prompt.substr(0, 102)), std::string::npos);
}

TEST_F(MockTest, SaysNothingMoreOnceCancelled) {
  const auto session = start("hi");
  timers.expire();
  session->cancel();
  advance(Duration(10'000));
  EXPECT_EQ(sink.events.size(), 1u);
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

TEST_F(MockTest, WaitsWhilePausedAndLosesNothing) {
  const auto session = start("hi");
  timers.expire();
  session->pause();
  advance(Duration(10'000));
  EXPECT_EQ(sink.events.size(), 1u);
  session->resume();
  for (int i = 0; i < 17; ++i) advance(config.mock_delay);
  EXPECT_EQ(sink.events.size(), 18u);
  EXPECT_EQ(sink.ends, 1);
}

}  // namespace
}  // namespace streaming
