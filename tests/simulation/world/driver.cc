// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/driver.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"
#include "simulation/world/world.h"

namespace streaming::simulation {
namespace {

constexpr std::uint64_t kBatch = 40;  // seeds of a process
constexpr time_t kMostCpuSeconds = 120;  // of a run: it takes a thousandth of that, and with sanitizers a hundredth

// For the handler of fatal signals.
const World* running_world = nullptr;
std::uint64_t running_seed = 0;

void print_failure(const Trace& trace, const std::string& what) {
  std::fflush(stdout);
  trace.print_last();
  std::fprintf(stderr, "seed %" PRIu64 ": %s\nrepeat it: simulate --seed %" PRIu64 "\n", running_seed, what.c_str(), running_seed);
}

extern "C" void on_fatal_signal(int number) {
  std::array<char, 128> text;
  const int bytes = std::snprintf(text.data(), text.size(), "seed %" PRIu64 ": signal %d\nrepeat it: simulate --seed %" PRIu64 "\n",
                                  running_seed, number, running_seed);
  if (running_world != nullptr) running_world->trace().print_last();
  if (write(STDERR_FILENO, text.data(), static_cast<std::size_t>(bytes)) < 0) _exit(EXIT_FAILURE);
  signal(number, SIG_DFL);
  raise(number);
}

RunResult run_seed(const RunOptions& options, Coverage& coverage) {
  running_seed = options.seed;
  World world(options, coverage);
  running_world = &world;
  const itimerval limit{.it_interval = {}, .it_value = {.tv_sec = kMostCpuSeconds, .tv_usec = 0}};
  setitimer(ITIMER_VIRTUAL, &limit, nullptr);
  const RunResult result = world.run();
  if (!result.failure.empty()) print_failure(world.trace(), result.failure);
  running_world = nullptr;
  return result;
}

void handle_fatal_signals() {
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM}) signal(number, &on_fatal_signal);
}

// --- Processes ------------------------------------------------------------------------------------------------------

struct Child {
  pid_t pid = -1;
  UniqueFd output;
  std::string text;
};

// Reports to its parent: the sums in the first line, then a line for each count.
[[noreturn]] void run_batch(std::uint64_t first, std::uint64_t last, int output) {
  handle_fatal_signals();
  Coverage coverage;
  Done done;
  for (std::uint64_t seed = first; seed <= last && done.failures == 0; ++seed) {
    const RunResult result = run_seed({.seed = seed}, coverage);
    ++done.runs;
    done.steps += result.steps;
    done.handoffs += result.handoffs;
    done.hash += result.hash;
    if (!result.failure.empty()) ++done.failures;
  }
  std::FILE* const stream = fdopen(output, "w");
  std::fprintf(stream, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", done.runs, done.steps, done.handoffs, done.hash);
  for (const auto& [kind, whats] : coverage.counts()) {
    for (const auto& [what, times] : whats) std::fprintf(stream, "%s\t%s\t%" PRIu64 "\n", kind.c_str(), what.c_str(), times);
  }
  std::fclose(stream);
  std::_Exit(done.failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

Child start(std::uint64_t first, std::uint64_t last) {
  std::array<int, 2> ends{};
  CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
  Child child{.pid = fork(), .output = UniqueFd(ends[0]), .text = {}};
  CHECK(child.pid >= 0);
  if (child.pid == 0) run_batch(first, last, ends[1]);
  close(ends[1]);
  return child;
}

// Up to the next tab or end of line, which it takes too.
std::string_view take_field(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of("\t\n"), text.size());
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

std::uint64_t take_number(std::string_view& text) {
  return std::strtoull(std::string(take_field(text)).c_str(), nullptr, 10);
}

void add_report(std::string_view report, Done& done, Coverage& coverage) {
  done.runs += take_number(report);
  done.steps += take_number(report);
  done.handoffs += take_number(report);
  done.hash += take_number(report);
  while (!report.empty()) {
    const std::string_view kind = take_field(report);
    const std::string_view what = take_field(report);
    coverage.count(kind, what, take_number(report));
  }
}

// Whether the child goes on.
bool read_some(Child& child, Done& done, Coverage& coverage) {
  std::array<char, 4096> part;
  const ssize_t bytes = read(child.output.get(), part.data(), part.size());
  if (bytes > 0) return child.text.append(part.data(), static_cast<std::size_t>(bytes)), true;
  int status = 0;
  rusage usage{};
  wait4(child.pid, &status, 0, &usage);
  done.cpu_seconds += static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  add_report(child.text, done, coverage);
  if (status != 0) ++done.failures;
  return false;
}

}  // namespace

bool run_one(std::uint64_t seed, std::uint64_t steps, bool prints_trace) {
  handle_fatal_signals();
  Coverage coverage;
  const RunResult result = run_seed({.seed = seed, .steps = steps, .trace = prints_trace}, coverage);
  std::printf("seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " hand-offs, trace %016" PRIx64 "\n", seed, result.steps,
              result.handoffs, result.hash);
  return result.failure.empty();
}

Done run_many(const Work& work, Coverage& coverage) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end =
      work.seconds == 0 ? Clock::time_point::max() : Clock::now() + std::chrono::seconds(work.seconds);
  Done done;
  std::vector<Child> children;
  std::uint64_t next = work.first;
  const auto fails = [&] { return done.failures >= work.most_failures; };
  const auto has_more = [&] { return !fails() && (!work.last || next <= *work.last) && Clock::now() < end; };
  while (has_more() || !children.empty()) {
    while (children.size() < work.jobs && has_more()) {
      const std::uint64_t last = std::min(next + kBatch - 1, work.last.value_or(next + kBatch - 1));
      std::fflush(nullptr);
      children.push_back(start(next, last));
      next = last + 1;
    }
    std::vector<pollfd> outputs;
    for (const Child& child : children) outputs.push_back({child.output.get(), POLLIN, 0});
    poll(outputs.data(), outputs.size(), -1);
    for (std::size_t i = outputs.size(); i-- > 0;) {
      if (outputs[i].revents == 0 || read_some(children[i], done, coverage)) continue;
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
      if (!fails()) continue;
      for (const Child& other : children) kill(other.pid, SIGTERM);
    }
  }
  return done;
}

}  // namespace streaming::simulation
