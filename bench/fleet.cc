// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "bench/generator.h"

namespace streaming::bench {
namespace {

// Time from the first fork to the first stream, so that all processes begin together.
constexpr std::int64_t kForkTimeNs = 50'000'000;

}  // namespace

void Fleet::Unmap::operator()(Report* reports) const {
  munmap(reports, bytes);
}

Result<Fleet> Fleet::launch(const Options& options) {
  Fleet fleet;
  const std::size_t bytes = options.processes * sizeof(Report);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Error::from_errno("cannot share memory with the generators", errno);
  fleet.reports_ = std::unique_ptr<Report[], Unmap>(static_cast<Report*>(memory), Unmap{bytes});
  const std::int64_t begin_ns = MonotonicClock::now_ns() + kForkTimeNs;
  const pid_t parent = getpid();
  for (std::uint32_t process = 0; process < options.processes; ++process) {
    const pid_t child = fork();
    if (child < 0) return Error::from_errno("cannot fork a generator", errno);
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      _exit(generate(options, process, begin_ns, fleet.reports_[process]));
    }
    fleet.children_.push_back(child);
  }
  return fleet;
}

int Fleet::generate(const Options& options, std::uint32_t process, std::int64_t begin_ns, Report& report) {
  const auto say = [&report](const std::string& words) {
    std::memcpy(report.last_error, words.data(), std::min(words.size(), sizeof report.last_error - 1));
  };
  Result<Generator> generator = Generator::create(options, process, begin_ns, report.tally);
  if (!generator) {
    say(generator.error().message);
    return 1;
  }
  const Status ran = generator->run();
  say(ran.ok() ? generator->last_error() : ran.error().message);
  return ran.ok() ? 0 : 1;
}

Fleet::~Fleet() {
  for (const pid_t child : children_) {
    if (child == 0) continue;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

bool Fleet::running() {
  for (pid_t& child : children_) {
    int status = 0;
    if (child == 0 || waitpid(child, &status, WNOHANG) != child) continue;
    child = 0;
    if (status != 0) sound_ = false;
  }
  return std::any_of(children_.begin(), children_.end(), [](pid_t child) { return child != 0; });
}

std::unique_ptr<Tally> Fleet::sum() const {
  auto sum = std::make_unique<Tally>();
  for (std::size_t i = 0; i < children_.size(); ++i) *sum += reports_[i].tally;
  return sum;
}

std::int64_t Fleet::sum_of(Count Tally::*member) const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < children_.size(); ++i) sum += (reports_[i].tally.*member).get();
  return sum;
}

std::int64_t Fleet::failed() const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < children_.size(); ++i) sum += reports_[i].tally.failed();
  return sum;
}

std::string Fleet::last_error() const {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (reports_[i].last_error[0] != '\0') return reports_[i].last_error;
  }
  return {};
}

}  // namespace streaming::bench
