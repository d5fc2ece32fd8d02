// SPDX-License-Identifier: Apache-2.0
// handoff-bench: the load generator of the hand-off protocol. Reads its options, runs the generators, reports.

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/clock.h"
#include "bench/daemon_meter.h"
#include "bench/fleet.h"
#include "bench/options.h"
#include "bench/report.h"

namespace streaming::bench {
namespace {

Status raise_descriptor_limit(const Options& options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return Error::from_errno("cannot read the limit of open files", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return Error::from_errno("cannot raise the limit of open files", errno);
  const std::uint64_t needed = descriptors_needed(options);
  if (needed <= limit.rlim_max) return success();
  return Error{"each of " + std::to_string(options.processes) + " processes needs " + std::to_string(needed) +
               " descriptors, and may open " + std::to_string(limit.rlim_max) +
               "; raise the limit (ulimit -Hn) or use more --processes"};
}

double seconds_since(std::int64_t begin_ns) {
  return static_cast<double>(MonotonicClock::now_ns() - begin_ns) / 1e9;
}

void show_progress(const Fleet& fleet, double seconds) {
  std::fprintf(stderr, "\r%6.1f s  %ld started  %ld open  %ld completed  %ld failed  %ld events ",
               seconds, fleet.started(), fleet.open(), fleet.completed(), fleet.failed(), fleet.events());
}

void write_sample(std::ostream& out, const Fleet& fleet, double seconds) {
  out << seconds << ',' << fleet.started() << ',' << fleet.open() << ',' << fleet.completed() << ',' << fleet.failed()
      << ',' << fleet.events() << '\n';
}

// Waits until the generators have ended.
void watch(Fleet& fleet, std::optional<DaemonMeter>& meter, std::ostream* samples, bool verbose) {
  constexpr timespec kSampleInterval{0, 100'000'000};
  const bool terminal = isatty(STDERR_FILENO) == 1 && !verbose;
  const std::int64_t begin_ns = MonotonicClock::now_ns();
  for (double next_sample_s = 0; fleet.running();) {
    nanosleep(&kSampleInterval, nullptr);
    const double seconds = seconds_since(begin_ns);
    if (meter) meter->sample(fleet.open());
    if (terminal) show_progress(fleet, seconds);
    if (samples == nullptr || seconds < next_sample_s) continue;
    write_sample(*samples, fleet, seconds);
    next_sample_s += 1;
  }
  if (terminal) std::fputs("\r\033[K", stderr);
}

// The exit status is that of the measurement, not of the daemon: failed streams are only counted.
Status measure(const Options& options) {
  if (Status raised = raise_descriptor_limit(options); !raised) return raised;
  std::optional<DaemonMeter> meter;
  if (options.pid != 0) {
    Result<DaemonMeter> started = DaemonMeter::start(options.pid);
    if (!started) return started.error();
    meter = *started;
  }
  std::ofstream samples;
  if (!options.samples.empty()) {
    samples.open(options.samples);
    if (!samples) return Error::from_errno("cannot write " + options.samples, errno);
    samples << "seconds,started,open,completed,failed,events\n";
  }
  Result<Fleet> fleet = Fleet::launch(options);
  if (!fleet) return fleet.error();
  watch(*fleet, meter, samples.is_open() ? &samples : nullptr, options.verbose);
  if (!samples.flush()) return Error{"cannot write all of " + options.samples};
  if (!fleet->sound()) return Error{"a generator ended: " + fleet->last_error()};
  std::optional<DaemonFigures> figures;
  if (meter) {
    Result<DaemonFigures> finished = meter->finish();
    if (!finished) return finished.error();
    figures = *finished;
  }
  const std::unique_ptr<Tally> tally = fleet->sum();
  const bool json_to_standard_output = options.output == kStandardOutput;
  FILE* const table = json_to_standard_output ? stderr : stdout;
  std::fputs(to_table(*tally, figures).c_str(), table);
  if (tally->failed() > 0) std::fprintf(table, "\nlast failure: %s\n", fleet->last_error().c_str());
  if (options.output.empty()) return success();
  if (json_to_standard_output) {
    std::fputs(to_json(*tally, figures).c_str(), stdout);
    return success();
  }
  std::ofstream file(options.output);
  file << to_json(*tally, figures) << std::flush;
  if (!file) return Error::from_errno("cannot write " + options.output, errno);
  return success();
}

}  // namespace
}  // namespace streaming::bench

int main(int argc, char** argv) {
  using namespace streaming;
  const Status measured = bench::measure(bench::read_options(argc, argv));
  if (measured.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "handoff-bench: %s\n", measured.error().message.c_str());
  return EXIT_FAILURE;
}
