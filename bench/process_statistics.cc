// SPDX-License-Identifier: Apache-2.0
#include "bench/process_statistics.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace streaming::bench {
namespace {

// Empty if it cannot be read.
std::string contents(pid_t pid, const char* file) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Error gone(pid_t pid) {
  return Error{"cannot read the statistics of process " + std::to_string(pid)};
}

}  // namespace

Result<std::int64_t> cpu_ns(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (const int code = clock_getcpuclockid(pid, &clock); code != 0) {
    return Error::from_errno("cannot measure process " + std::to_string(pid), code);
  }
  if (clock_gettime(clock, &time) != 0) {
    return Error::from_errno("cannot measure process " + std::to_string(pid), errno);
  }
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Result<std::int64_t> resident_kb(pid_t pid) {
  if (const std::int64_t exact = field_of(contents(pid, "smaps_rollup"), "Rss:"); exact >= 0) return exact;
  const std::int64_t coarse = field_of(contents(pid, "status"), "VmRSS:");
  if (coarse < 0) return gone(pid);
  return coarse;
}

Result<std::int64_t> thread_count(pid_t pid) {
  const std::int64_t threads = field_of(contents(pid, "status"), "Threads:");
  if (threads < 0) return gone(pid);
  return threads;
}

std::int64_t field_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
    if (!line.starts_with(name)) continue;
    const std::size_t digits = line.find_first_of("0123456789", name.size());
    std::int64_t value = -1;
    if (digits != std::string_view::npos) std::from_chars(line.data() + digits, line.data() + line.size(), value);
    return value;
  }
  return -1;
}

}  // namespace streaming::bench
