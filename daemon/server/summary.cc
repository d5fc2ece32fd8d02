// SPDX-License-Identifier: Apache-2.0
#include "server/summary.h"

#include <sys/resource.h>

#include <fmt/core.h>


namespace streaming {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::string to_text(const Summary& summary) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  const std::uint64_t events = summary.counted(Counter::kEvents);

  std::string text = "--- summary ---\n";
  text += fmt::format("{:<44} {}\n", "peak_streams", summary.peak_streams);
  for (const CounterInfo& counter : kCounterTable) {
    const std::string name =
        std::string(counter.metric) + (counter.label.empty() ? "" : " ") + std::string(counter.label);
    text += fmt::format("{:<44} {}\n", name, summary.counted(counter.counter));
  }
  for (const CloseCauseInfo& cause : kCloseCauseTable) {
    if (const std::uint64_t count = summary.closed_by(cause.cause); count > 0) {
      text += fmt::format("{:<44} {}\n", fmt::format("closed_{}", cause.word), count);
    }
  }
  text += fmt::format("{:<44} {:.3f}\n", "elapsed_s", static_cast<double>(summary.elapsed.count()) / 1000);
  text += fmt::format("{:<44} {:.3f}\n", "cpu_s", cpu);
  if (events > 0) {
    text += fmt::format("{:<44} {:.2f}\n", "cpu_us_per_event", cpu * 1e6 / static_cast<double>(events));
  }
  text += fmt::format("{:<44} {:.1f}\n", "max_rss_mb", static_cast<double>(usage.ru_maxrss) / 1024);
  return text;
}

}  // namespace streaming
