#include "top/view.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace top {
namespace {

std::string milliseconds(double seconds) {
  return std::isnan(seconds) ? "-" : fmt::format("{:.1f} ms", seconds * 1000);
}

// What has happened since, by one label; what has never happened is left out.
std::string rates(const Exposition& before, const Exposition& after, const char* metric, const char* label,
                  double seconds) {
  std::string text;
  auto earlier = before.by(metric, label);
  for (const auto& [name, count] : after.by(metric, label)) {
    if (count == 0) continue;
    fmt::format_to(std::back_inserter(text), "  {:<28}{:>12.1f}/s{:>16.0f}\n", name, (count - earlier[name]) / seconds,
                   count);
  }
  return text.empty() ? "  none\n" : text;
}

}  // namespace

std::string view(const Exposition& before, const Exposition& after, double seconds) {
  std::string text;
  auto out = std::back_inserter(text);
  auto rate = [&](const char* metric) { return (after.sum(metric) - before.sum(metric)) / seconds; };
  auto latency = [&](const char* histogram, double fraction) {
    return milliseconds(quantile(fraction, before.buckets(histogram), after.buckets(histogram)));
  };
  fmt::format_to(out, "streams      {:.0f} open, {:.0f} at most, {:.1f} new/s, {:.1f} events/s, {:.1f} KB/s\n",
                 after.sum("daemon_active_streams"), after.sum("daemon_peak_streams"), rate("daemon_streams_total"),
                 rate("daemon_chunks_sent_total"), rate("daemon_bytes_sent_total") / 1000);
  fmt::format_to(out, "first event  p50 {}, p99 {}\n", latency("daemon_first_token_seconds", 0.5),
                 latency("daemon_first_token_seconds", 0.99));
  fmt::format_to(out, "stream       p50 {}, p99 {}\n", latency("daemon_stream_duration_seconds", 0.5),
                 latency("daemon_stream_duration_seconds", 0.99));
  fmt::format_to(out, "workers     ");
  for (const auto& [worker, streams] : after.by("daemon_worker_streams", "worker")) {
    fmt::format_to(out, " {}: {:.0f}", worker, streams);
  }
  fmt::format_to(out, "\nended\n{}", rates(before, after, "daemon_streams_ended_total", "cause", seconds));
  fmt::format_to(out, "refused\n{}", rates(before, after, "daemon_refusals_total", "reason", seconds));
  fmt::format_to(out, "backends\n{}", rates(before, after, "daemon_backend_requests_total", "backend", seconds));
  fmt::format_to(out, "tokens\n{}", rates(before, after, "daemon_tokens_total", "model", seconds));
  return text;
}

}  // namespace top
