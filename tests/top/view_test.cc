// SPDX-License-Identifier: Apache-2.0
#include "top/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace top {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Exposition metrics_after(int seconds) {
  const std::string n = std::to_string(10 * seconds);
  return Exposition::parse(
      "daemon_build_info{version=\"1.2\"} 1\ndaemon_uptime_seconds 90061\ndaemon_active_streams 34567\n"
      "daemon_peak_streams 40001\ndaemon_max_connections 50000\ndaemon_worker_streams{worker=\"0\"} 17283\n"
      "daemon_worker_streams{worker=\"1\"} 17284\ndaemon_streams_total " + n +
      "\ndaemon_streams_ended_total{cause=\"completed\"} " + n +
      "\ndaemon_streams_ended_total{cause=\"too_long\"} " + n +
      "\ndaemon_streams_ended_total{cause=\"shutdown\"} 0\ndaemon_refusals_total{reason=\"full\"} 0\n"
      "daemon_backend_requests_total{backend=\"openai\"} " + n +
      "\ndaemon_first_token_seconds_bucket{le=\"0.1\"} " + n + "\ndaemon_first_token_seconds_bucket{le=\"+Inf\"} " + n +
      "\nprocess_resident_memory_bytes 123000000\nprocess_open_fds 34\nprocess_max_fds 20000\n");
}

Model model_of_two_answers() {
  Model model;
  model.take(metrics_after(1), 1);
  model.take(metrics_after(2), 2);
  return model;
}

std::string drawn(const Model& model, const View& view, Size size = {80, 24}, Abilities abilities = {}) {
  Screen screen(size, abilities);
  draw(screen, model, view);
  return screen.text();
}

TEST(View, ShowsCapacityRatesAndLatenciesInEightyColumns) {
  const std::string text = drawn(model_of_two_answers(), {.daemon = "127.0.0.1:9090", .now = 2});
  EXPECT_THAT(text, HasSubstr(" streaming-daemon 1.2  127.0.0.1:9090"));
  EXPECT_THAT(text, HasSubstr("up 1 d 01 h"));
  EXPECT_THAT(text, ContainsRegex("streams  (█)+(░)+ 34,567 of 50,000, 69 %, at most 40,001\n"));
  EXPECT_THAT(text, HasSubstr("0: 17,283  1: 17,284"));
  EXPECT_THAT(text, ContainsRegex("begun +10 +█\n"));
  EXPECT_THAT(text, ContainsRegex("failed +10 +█\n"));
  EXPECT_THAT(text, ContainsRegex("first event +50.0 ms +95.0 ms +99.0 ms\n"));
  EXPECT_THAT(text, ContainsRegex("hand-off +- +- +-\n"));
  EXPECT_THAT(text, HasSubstr("123 MB resident, 0 % of a CPU, 34 of 20,000 descriptors"));
  EXPECT_THAT(text, ContainsRegex("ended +backends\n"));
  EXPECT_THAT(text, ContainsRegex("completed +10/s +20 +openai +10/s +20\n"));
  EXPECT_THAT(text, Not(HasSubstr("shutdown"))) << "it has never happened";
  EXPECT_THAT(text, HasSubstr("q quit   s streams   space pause   + - every 1 s\n"));
}

TEST(View, ShowsKeptAnswersIfThereAreAny) {
  EXPECT_THAT(drawn(model_of_two_answers(), {.now = 2}), Not(HasSubstr("answers")));
  Model model = model_of_two_answers();
  Exposition metrics = Exposition::parse(
      "daemon_uptime_seconds 90064\ndaemon_kept_answers{state=\"running\"} 7\n"
      "daemon_kept_answers{state=\"ended\"} 1200\ndaemon_kept_answer_bytes 4500000\ndaemon_answer_followers 9\n");
  model.take(std::move(metrics), 3);
  EXPECT_THAT(drawn(model, {.now = 3}),
              HasSubstr(" answers  7 run, 1,200 have ended and are kept, 4.5 MB held, 9 followers\n"));
}

TEST(View, ShowsReportsThatAreNotDeliveredIfThereAreAny) {
  Model model = model_of_two_answers();
  EXPECT_THAT(drawn(model, {.now = 2}), Not(HasSubstr("reports")));
  model.take(Exposition::parse("daemon_uptime_seconds 90064\ndaemon_reports_waiting 3000\ndaemon_reports_undelivered 2\n"), 3);
  EXPECT_THAT(drawn(model, {.now = 3}), HasSubstr(" reports  3,000 wait, 2 given up\n"));
}

TEST(View, ShowsAStoreThatSomeWorkersCannotReach) {
  Model model = model_of_two_answers();
  const std::string reached = "daemon_uptime_seconds 90064\ndaemon_store_connected{worker=\"0\"} 1\n";
  model.take(Exposition::parse(reached + "daemon_store_connected{worker=\"1\"} 1\n"), 3);
  EXPECT_THAT(drawn(model, {.now = 3}), Not(HasSubstr("store")));
  model.take(Exposition::parse(reached + "daemon_store_connected{worker=\"1\"} 0\n"), 4);
  EXPECT_THAT(drawn(model, {.now = 4}), HasSubstr(" store    1 of 2 workers cannot reach it\n"));
}

TEST(View, ShowsFailuresInRedAndAllElseNot) {
  Screen screen({80, 24}, {});
  draw(screen, model_of_two_answers(), {});
  EXPECT_THAT(screen.frame(), HasSubstr("\x1b[0;1;31mfailed"));
  EXPECT_THAT(screen.frame(), Not(HasSubstr("\x1b[0;1;31mrefused"))) << "there are none";
}

TEST(View, GoesOnWithWhatItKnowsWhileTheDaemonDoesNotAnswer) {
  Model model = model_of_two_answers();
  model.fail("http://127.0.0.1:9090/metrics: Could not connect to server", 3);
  const std::string text = drawn(model, {.now = 15});
  EXPECT_THAT(text, HasSubstr("\n no answer since 12 s, trying again: http://127.0.0.1:9090/metrics: Could not"));
  EXPECT_THAT(text, HasSubstr("34,567 of 50,000"));
  Model never;
  never.fail("refused", 0);
  EXPECT_THAT(drawn(never, {.now = 1}), HasSubstr("no answer since 1 s, trying again: refused"));
}

TEST(View, NeedsNoUtf8) {
  const std::string text = drawn(model_of_two_answers(), {.now = 2}, {80, 24}, {.utf8 = false, .colour = false});
  EXPECT_THAT(text, ContainsRegex("streams  \\[#+\\.+\\] 34,567"));
  for (const char letter : text) ASSERT_LT(static_cast<unsigned char>(letter), 0x80);
}

TEST(View, FitsIntoEveryWindow) {
  Model model = model_of_two_answers();
  View view{.now = 2, .streams = std::vector<StreamRow>(50)};
  for (const Tab tab : {Tab::kOverview, Tab::kStreams}) {
    view.tab = tab;
    for (const Size size : {Size{1, 1}, Size{10, 3}, Size{40, 10}, Size{80, 24}, Size{300, 100}}) {
      std::istringstream lines(drawn(model, view, size));
      int rows = 0;
      for (std::string line; std::getline(lines, line); ++rows) EXPECT_LE(width_of(line), size.columns) << line;
      EXPECT_LE(rows, size.rows);
    }
  }
}

TEST(View, ListsTheStreams) {
  View view{.tab = Tab::kStreams};
  EXPECT_THAT(drawn({}, view), HasSubstr("asking for the streams"));
  view.streams_failure = "the daemon shows its streams to its own machine alone";
  EXPECT_THAT(drawn({}, view), HasSubstr("to its own machine alone"));
  view.streams.emplace();
  view.streams->push_back({.id = "0.1.2", .state = "streaming", .backend = "openai", .user = "ada", .age_ms = 6100,
                           .events = 1234, .bytes = 56'000});
  view.streams->push_back({.state = "opening", .request = "r-2"});
  const std::string text = drawn({}, view);
  EXPECT_THAT(text, HasSubstr("1 to 2 of 2 streams"));
  EXPECT_THAT(text, ContainsRegex(" +6.1 s +1,234 +56.0 KB +streaming +openai +ada +0.1.2\n"));
  EXPECT_THAT(text, HasSubstr("opening"));
  view.scroll = 1;
  EXPECT_THAT(drawn({}, view), Not(HasSubstr("ada")));
  view.streams->back().transport = "relayed";
  EXPECT_THAT(drawn({}, view, {160, 24}), ContainsRegex("client +transport +model"));
  EXPECT_THAT(drawn({}, view, {160, 24}), HasSubstr("relayed"));
}

TEST(Sparkline, FillsTheCellOfItsHighestValue) {
  EXPECT_EQ(sparkline({0, 4, 8, 1}, 10, true), " ▄█▁");
  EXPECT_EQ(sparkline({0, 4, 8}, 2, true), "▄█") << "the newest stay";
  EXPECT_EQ(sparkline({0, 4, 8}, 10, false), " =@");
  EXPECT_EQ(sparkline({0, 0}, 10, true), "  ");
  EXPECT_EQ(sparkline({}, 10, true), "");
}

TEST(Bar, FillsTheBarToItsShareAndShowsTheFirstStream) {
  EXPECT_EQ(bar(0.5, 4, true), "██░░");
  EXPECT_EQ(bar(0.001, 4, true), "█░░░");
  EXPECT_EQ(bar(2, 4, true), "████");
  EXPECT_EQ(bar(0, 4, false), "[..]");
  EXPECT_EQ(bar(1, 1, false), "");
}

TEST(Texts, WriteNumbersBytesAndTimesShort) {
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(count_text(12.34), "12.3");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999.7), "1,000");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1'234'000), "1.2 MB");
  EXPECT_EQ(seconds_text(0.00035), "350 us");
  EXPECT_EQ(seconds_text(0.0123), "12.3 ms");
  EXPECT_EQ(seconds_text(6.1), "6.1 s");
  EXPECT_EQ(seconds_text(125), "2 m 05 s");
  EXPECT_EQ(seconds_text(7260), "2 h 01 m");
  EXPECT_EQ(seconds_text(std::nan("")), "-");
}

}  // namespace
}  // namespace top
