// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace streaming::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

std::unique_ptr<Tally> some_tally() {
  auto tally = std::make_unique<Tally>();
  tally->started.add(3);
  tally->completed.add(2);
  tally->failed(Failure::kRejected).add();
  tally->events.add(36);
  tally->bytes.add(2000);
  tally->handoff_ns.add(100);
  return tally;
}

// The reference generator's names, in its order, and the percentage.
TEST(Json, WritesTheReferencesFields) {
  EXPECT_EQ(to_json(*some_tally(), std::nullopt), R"({
  "connections_started": 3,
  "connections_completed": 2,
  "connections_failed": 1,
  "completed_percent": 66.667,
  "bytes_received": 2000,
  "errors": {
    "connect": 0,
    "send": 0,
    "receive": 0,
    "timeout": 0,
    "rejected": 1
  },
  "handoff_latency_ms": {
    "p50": 0.000,
    "p95": 0.000,
    "p99": 0.000,
    "p999": 0.000
  },
  "ttfb_latency_ms": {
    "p50": 0.000,
    "p95": 0.000,
    "p99": 0.000,
    "p999": 0.000
  },
  "stream_duration_ms": {
    "p50": 0.000,
    "p95": 0.000,
    "p99": 0.000,
    "p999": 0.000
  }
}
)");
}

TEST(Json, WritesTheDaemonsFiguresIfItWasMeasured) {
  const DaemonFigures daemon{
      .cpu_s = 0.000072, .rss_start_kb = 1000, .rss_peak_kb = 1010, .rss_end_kb = 1001, .peak_open = 20, .threads = 3};
  const std::string json = to_json(*some_tally(), daemon);
  EXPECT_THAT(json, HasSubstr("\"cpu_us_per_event\": 2.000"));
  EXPECT_THAT(json, HasSubstr("\"rss_per_stream_kb\": 0.500"));
  EXPECT_THAT(json, HasSubstr("\"threads\": 3"));
}

TEST(Figures, OfNoStreamAreZero) {
  EXPECT_EQ(DaemonFigures{}.rss_per_stream_kb(), 0);
  EXPECT_EQ(DaemonFigures{}.cpu_us_per_event(0), 0);
}

TEST(Table, NamesFailuresWhereThereAreSome) {
  const auto tally = some_tally();
  EXPECT_THAT(to_table(*tally, std::nullopt), HasSubstr("2 completed (66.67 %), 1 failed"));
  EXPECT_THAT(to_table(*tally, std::nullopt), HasSubstr("rejected 1"));
  EXPECT_THAT(to_table(*std::make_unique<Tally>(), std::nullopt), Not(HasSubstr("rejected")));
}

}  // namespace
}  // namespace streaming::bench
