// SPDX-License-Identifier: Apache-2.0
// simulate: runs the whole daemon in simulated worlds, each made of a seed. CONTRIBUTING.md describes it.

#include <CLI/CLI.hpp>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/random_id.h"
#include "simulation/world/driver.h"
#include "simulation/world/reachable.h"
#include "upstream/upstream_client.h"

namespace streaming::simulation {
namespace {

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::string seeds;
  std::uint64_t steps = 0;
  std::uint64_t seconds = 0;
  unsigned jobs = 1;
  unsigned failures = 1;
  bool trace = false;
  bool coverage = false;
};

// "A..B".
std::optional<Work> work_of(const Arguments& arguments) {
  Work work;
  work.seconds = arguments.seconds;
  work.jobs = arguments.jobs;
  work.most_failures = arguments.failures;
  if (arguments.seeds.empty()) {
    if (arguments.seconds == 0) return work.last = 100, work;
    work.first = random_seed();
    return work;
  }
  std::uint64_t last = 0;
  if (std::sscanf(arguments.seeds.c_str(), "%" SCNu64 "..%" SCNu64, &work.first, &last) != 2) return std::nullopt;
  work.last = last;
  return work;
}

void print_coverage(const Coverage& coverage) {
  for (const auto& [kind, whats] : coverage.counts()) {
    for (const auto& [what, times] : whats) std::printf("%-24s %-40s %10" PRIu64 "\n", kind.c_str(), what.c_str(), times);
  }
  for (const auto& [kind, what] : missed_by(coverage)) {
    std::printf("missed: %-16s %s\n", kind.c_str(), what.c_str());
  }
}

int simulate(const Arguments& arguments) {
  if (arguments.seed) return run_one(*arguments.seed, arguments.steps, arguments.trace) ? EXIT_SUCCESS : EXIT_FAILURE;
  const std::optional<Work> work = work_of(arguments);
  if (!work) return std::fprintf(stderr, "simulate: --seeds wants two numbers: A..B\n"), EXIT_FAILURE;
  std::printf("seeds from %" PRIu64 " on\n", work->first);
  Coverage coverage;
  const Done done = run_many(*work, coverage);
  if (arguments.coverage) print_coverage(coverage);
  std::printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " hand-offs, trace %016" PRIx64 "\n", done.runs, done.steps,
              done.handoffs, done.hash);
  std::fprintf(stderr, "%.0f hand-offs for each second of CPU time\n", static_cast<double>(done.handoffs) / done.cpu_seconds);
  return done.failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace
}  // namespace streaming::simulation

// A sanitizer's report ends in the handler of fatal signals, which prints the seed. What a process that has crashed had is not
// given back.
extern "C" const char* __asan_default_options() {
  return "abort_on_error=1:detect_leaks=0";
}
extern "C" const char* __ubsan_default_options() {
  return "abort_on_error=1:print_stacktrace=1";
}

int main(int count, char** words) {
  using namespace streaming;
  simulation::Arguments arguments;
  CLI::App app("Runs the streaming daemon in simulated worlds. Each is made of a seed, and is the same each time.");
  app.add_option("--seed", arguments.seed, "Runs this seed alone");
  app.add_option("--seeds", arguments.seeds, "A..B: runs these seeds (default: 1..100)");
  app.add_option("--steps", arguments.steps, "With --seed: ends after so many steps");
  app.add_option("--seconds", arguments.seconds, "Runs for so long; new seeds unless --seeds names some");
  app.add_option("--jobs", arguments.jobs, "Processes at one time")->check(CLI::PositiveNumber);
  app.add_option("--failures", arguments.failures, "Ends when so many runs have failed (1)")->check(CLI::PositiveNumber);
  app.add_flag("--trace", arguments.trace, "With --seed: prints each step");
  app.add_flag("--coverage", arguments.coverage, "Prints what was reached");
  CLI11_PARSE(app, count, words);
  // Nothing of the machine's may reach a run.
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
    unsetenv(name);
  }
  setenv("TZ", "UTC", 1);
  log::set_level(arguments.trace ? log::Level::kDebug : log::Level::kOff);
  if (!UpstreamClient::start_library()) return EXIT_FAILURE;
  return simulation::simulate(arguments);
}
