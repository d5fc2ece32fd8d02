#include "top/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace top {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

TEST(View, ShowsRatesOfTheIntervalAndWhatThereIsNow) {
  const Exposition before = Exposition::parse(
      "daemon_streams_total 100\ndaemon_streams_ended_total{cause=\"completed\"} 90\n"
      "daemon_first_token_seconds_bucket{le=\"0.1\"} 0\ndaemon_first_token_seconds_bucket{le=\"+Inf\"} 0\n");
  const Exposition after = Exposition::parse(
      "daemon_streams_total 120\ndaemon_active_streams 7\ndaemon_worker_streams{worker=\"0\"} 4\n"
      "daemon_worker_streams{worker=\"1\"} 3\ndaemon_streams_ended_total{cause=\"completed\"} 110\n"
      "daemon_streams_ended_total{cause=\"too_long\"} 0\n"
      "daemon_first_token_seconds_bucket{le=\"0.1\"} 10\ndaemon_first_token_seconds_bucket{le=\"+Inf\"} 10\n");
  const std::string text = view(before, after, 2);
  EXPECT_THAT(text, HasSubstr("7 open"));
  EXPECT_THAT(text, HasSubstr("10.0 new/s"));
  EXPECT_THAT(text, HasSubstr("first event  p50 50.0 ms"));
  EXPECT_THAT(text, HasSubstr("workers      0: 4 1: 3\n"));
  EXPECT_THAT(text, ContainsRegex("  completed +10.0/s +110\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("too_long"))) << "it has never happened";
  EXPECT_THAT(text, HasSubstr("refused\n  none\n"));
}

TEST(View, HasNoLatencyWhereNothingCame) {
  EXPECT_THAT(view(Exposition{}, Exposition{}, 1), HasSubstr("first event  p50 -, p99 -\n"));
}

}  // namespace
}  // namespace top
