// SPDX-License-Identifier: Apache-2.0
// DaemonMeter: measures the daemon under test from before the first stream until after the last.
//
// Owned by main(), which samples it while the generators run.

#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"

namespace streaming::bench {

struct DaemonFigures {
  double cpu_s = 0;
  std::int64_t rss_start_kb = 0;
  std::int64_t rss_peak_kb = 0;
  std::int64_t rss_end_kb = 0;
  std::int64_t peak_open = 0;  // streams that were open at once
  std::int64_t threads = 0;    // the most

  // The growth for each of the streams that were open at once.
  double rss_per_stream_kb() const;
  double cpu_us_per_event(std::int64_t events) const;
};

class DaemonMeter {
 public:
  static Result<DaemonMeter> start(pid_t pid);

  void sample(std::int64_t open_streams);
  // Takes the last sample. It is an error if the daemon has ended meanwhile.
  Result<DaemonFigures> finish();

 private:
  explicit DaemonMeter(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  std::int64_t cpu_start_ns_ = 0;
  DaemonFigures figures_;
};

}  // namespace streaming::bench
