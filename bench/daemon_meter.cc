// SPDX-License-Identifier: Apache-2.0
#include "bench/daemon_meter.h"

#include <algorithm>

#include "bench/process_statistics.h"

namespace streaming::bench {

double DaemonFigures::rss_per_stream_kb() const {
  if (peak_open == 0) return 0;
  return static_cast<double>(rss_peak_kb - rss_start_kb) / static_cast<double>(peak_open);
}

double DaemonFigures::cpu_us_per_event(std::int64_t events) const {
  return events == 0 ? 0 : cpu_s * 1e6 / static_cast<double>(events);
}

Result<DaemonMeter> DaemonMeter::start(pid_t pid) {
  DaemonMeter meter(pid);
  const Result<std::int64_t> rss = resident_kb(pid);
  if (!rss) return rss.error();
  const Result<std::int64_t> cpu = cpu_ns(pid);
  if (!cpu) return cpu.error();
  meter.figures_.rss_start_kb = *rss;
  meter.cpu_start_ns_ = *cpu;
  meter.sample(0);
  return meter;
}

void DaemonMeter::sample(std::int64_t open_streams) {
  figures_.peak_open = std::max(figures_.peak_open, open_streams);
  if (const Result<std::int64_t> rss = resident_kb(pid_); rss.ok()) {
    figures_.rss_peak_kb = std::max(figures_.rss_peak_kb, *rss);
  }
  if (const Result<std::int64_t> threads = thread_count(pid_); threads.ok()) {
    figures_.threads = std::max(figures_.threads, *threads);
  }
}

Result<DaemonFigures> DaemonMeter::finish() {
  const Result<std::int64_t> cpu = cpu_ns(pid_);
  if (!cpu) return cpu.error();
  const Result<std::int64_t> rss = resident_kb(pid_);
  if (!rss) return rss.error();
  figures_.cpu_s = static_cast<double>(*cpu - cpu_start_ns_) / 1e9;
  figures_.rss_end_kb = *rss;
  return figures_;
}

}  // namespace streaming::bench
