// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <fmt/core.h>

#include <array>
#include <utility>
#include <vector>

namespace streaming::bench {
namespace {

struct Latency {
  const char* name;
  const char* title;
  const Histogram* histogram;
};

std::vector<Latency> latencies(const Tally& tally) {
  std::vector<Latency> all{{"handoff_latency_ms", "hand-off", &tally.handoff_ns},
                           {"ttfb_latency_ms", "first byte", &tally.ttfb_ns},
                           {"stream_duration_ms", "stream", &tally.duration_ns}};
  if (tally.leave_ns.count() > 0) all.push_back({"close_latency_ms", "closed after", &tally.leave_ns});
  return all;
}

constexpr std::array<std::pair<const char*, double>, 4> kPercentiles{
    {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};

double percentile_ms(const Histogram& histogram, double fraction) {
  return static_cast<double>(histogram.percentile(fraction)) / 1e6;
}

std::string json_of(const DaemonFigures& daemon, std::int64_t events) {
  return fmt::format(
      "{{\n    \"cpu_seconds\": {:.3f},\n    \"events\": {},\n    \"cpu_us_per_event\": {:.3f},\n"
      "    \"peak_streams\": {},\n    \"rss_start_kb\": {},\n    \"rss_peak_kb\": {},\n    \"rss_end_kb\": {},\n"
      "    \"rss_per_stream_kb\": {:.3f},\n    \"threads\": {}\n  }}",
      daemon.cpu_s, events, daemon.cpu_us_per_event(events), daemon.peak_open, daemon.rss_start_kb, daemon.rss_peak_kb,
      daemon.rss_end_kb, daemon.rss_per_stream_kb(), daemon.threads);
}

}  // namespace

std::string to_json(const Tally& tally, const std::optional<DaemonFigures>& daemon) {
  std::string text;
  text += fmt::format(
                 "{{\n  \"connections_started\": {},\n  \"connections_completed\": {},\n  \"connections_failed\": {},\n"
                 "  \"completed_percent\": {:.3f},\n  \"bytes_received\": {},\n  \"errors\": {{\n",
                 tally.started.get(), tally.completed.get(), tally.failed(), tally.completed_percent(), tally.bytes.get());
  for (std::size_t i = 0; i < kFailures; ++i) {
    text += fmt::format("    \"{}\": {}{}\n", kFailureNames[i], tally.failures[i].get(), i + 1 < kFailures ? "," : "");
  }
  text += "  }";
  for (const Latency& latency : latencies(tally)) {
    text += fmt::format(",\n  \"{}\": {{\n", latency.name);
    for (const auto& [name, fraction] : kPercentiles) {
      const bool last = name == kPercentiles.back().first;
      text += fmt::format("    \"{}\": {:.3f}{}\n", name, percentile_ms(*latency.histogram, fraction), last ? "" : ",");
    }
    text += "  }";
  }
  if (daemon) text += fmt::format(",\n  \"daemon\": {}", json_of(*daemon, tally.events.get()));
  return text + "\n}\n";
}

std::string to_table(const Tally& tally, const std::optional<DaemonFigures>& daemon) {
  std::string text;
  text += fmt::format("streams     {} started, {} completed ({:.2f} %), {} failed\n", tally.started.get(),
                      tally.completed.get(), tally.completed_percent(), tally.failed());
  if (tally.failed() > 0) {
    text += "failures   ";
    for (std::size_t i = 0; i < kFailures; ++i) {
      text += fmt::format(" {} {}", kFailureNames[i], tally.failures[i].get());
    }
    text += "\n";
  }
  text += fmt::format("received    {} events, {} bytes\n\n", tally.events.get(), tally.bytes.get());
  text += fmt::format("{:<14}", "ms");
  for (const auto& percentile : kPercentiles) text += fmt::format("{:>12}", percentile.first);
  text += "\n";
  for (const Latency& latency : latencies(tally)) {
    text += fmt::format("{:<14}", latency.title);
    for (const auto& percentile : kPercentiles) {
      text += fmt::format("{:>12.3f}", percentile_ms(*latency.histogram, percentile.second));
    }
    text += "\n";
  }
  if (!daemon) return text;
  text += fmt::format("\ndaemon      {:.3f} s of CPU, {:.2f} us an event, {} threads\n", daemon->cpu_s,
                 daemon->cpu_us_per_event(tally.events.get()), daemon->threads);
  text += fmt::format("resident    {} KB at start, {} peak, {} at the end; {:.2f} KB for each of {} streams\n",
                 daemon->rss_start_kb, daemon->rss_peak_kb, daemon->rss_end_kb, daemon->rss_per_stream_kb(),
                 daemon->peak_open);
  return text;
}

}  // namespace streaming::bench
