// SPDX-License-Identifier: Apache-2.0
#include "top/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace top {
namespace {

using testing::ElementsAre;

Exposition streams_so_far(int begun, int completed, int failed) {
  return Exposition::parse("daemon_active_streams 7\ndaemon_max_connections 100\ndaemon_streams_total " +
                           std::to_string(begun) + "\ndaemon_streams_ended_total{cause=\"completed\"} " +
                           std::to_string(completed) + "\ndaemon_streams_ended_total{cause=\"too_long\"} " +
                           std::to_string(failed) + "\n");
}

Exposition first_events(int count) {
  const std::string text = std::to_string(count);
  return Exposition::parse("daemon_first_token_seconds_bucket{le=\"0.1\"} " + text +
                           "\ndaemon_first_token_seconds_bucket{le=\"+Inf\"} " + text +
                           "\ndaemon_stream_duration_seconds_bucket{le=\"+Inf\"} " + text + "\n");
}

double rate(const Model& model, Rate which) {
  return model.figures()->rates[static_cast<std::size_t>(which)];
}

TEST(Model, ComputesRatesFromTheSecondAnswerOn) {
  Model model;
  model.take(streams_so_far(100, 90, 0), 10);
  EXPECT_FALSE(model.figures());
  model.take(streams_so_far(120, 100, 4), 12);
  ASSERT_TRUE(model.figures());
  EXPECT_EQ(model.figures()->open, 7);
  EXPECT_EQ(model.figures()->places, 100);
  EXPECT_EQ(rate(model, Rate::kBegun), 10);
  EXPECT_EQ(rate(model, Rate::kCompleted), 5);
  EXPECT_EQ(rate(model, Rate::kFailed), 2);
  EXPECT_EQ(model.figures()->ended.front().name, "completed") << "the most frequent first";
}

TEST(Model, MeasuresByTheDaemonsClockWhereAnAnswerWasLate) {
  Model model;
  model.take(Exposition::parse("daemon_uptime_seconds 10\ndaemon_streams_total 0\n"), 1);
  model.take(Exposition::parse("daemon_uptime_seconds 12\ndaemon_streams_total 20\n"), 9);
  EXPECT_EQ(rate(model, Rate::kBegun), 10);
}

TEST(Model, TakesARestartedDaemonForOneThatBeganWithNothing) {
  Model model;
  model.take(streams_so_far(1000, 1000, 0), 1);
  model.take(streams_so_far(5, 3, 0), 2);
  EXPECT_EQ(rate(model, Rate::kBegun), 5);
  EXPECT_EQ(rate(model, Rate::kCompleted), 3);
}

TEST(Model, KeepsAMinuteOfSamples) {
  Model model;
  for (int second = 0; second <= 100; ++second) model.take(streams_so_far(second * second, 0, 0), second);
  const std::deque<double>& begun = model.history(Rate::kBegun);
  EXPECT_EQ(begun.size(), kMinute);
  EXPECT_EQ(begun.back(), 100 * 100 - 99 * 99);
}

TEST(Model, MeasuresTheQuantilesOfTheLastMinute) {
  Model model;
  model.take(first_events(0), 0);
  model.take(first_events(10), 1);
  EXPECT_DOUBLE_EQ(model.figures()->first_event.p50, 0.05);
  model.take(first_events(10), 50);
  EXPECT_DOUBLE_EQ(model.figures()->first_event.p50, 0.05) << "nothing came since, and the minute is not over";
  model.take(first_events(10), 70);
  EXPECT_TRUE(std::isnan(model.figures()->first_event.p50));
}

TEST(Model, KnowsForHowLongTheDaemonHasNotAnsweredAndKeepsItsFigures) {
  Model model;
  model.take(streams_so_far(1, 0, 0), 1);
  model.take(streams_so_far(2, 0, 0), 2);
  EXPECT_EQ(model.silent_for(2), std::nullopt);
  model.fail("refused", 3);
  model.fail("refused again", 10);
  EXPECT_EQ(model.silent_for(15), 12);
  EXPECT_EQ(model.failure(), "refused again");
  EXPECT_TRUE(model.figures());
  model.take(streams_so_far(3, 0, 0), 16);
  EXPECT_EQ(model.silent_for(16), std::nullopt);
}

TEST(Model, OrdersWorkersByTheirNumbers) {
  Model model;
  const auto metrics = [] {
    return Exposition::parse("daemon_worker_streams{worker=\"10\"} 3\ndaemon_worker_streams{worker=\"2\"} 2\n");
  };
  model.take(metrics(), 1);
  model.take(metrics(), 2);
  EXPECT_THAT(model.figures()->workers, ElementsAre(2, 3));
}

}  // namespace
}  // namespace top
