// SPDX-License-Identifier: Apache-2.0
#include "server/process_figures.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace streaming {
namespace {

constexpr int kThreadsField = 20;
constexpr int kStartTimeField = 22;  // in ticks since the system's start
constexpr int kVirtualBytesField = 23;
constexpr int kResidentPagesField = 24;

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double count_descriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::int64_t count = 0;
  for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) ++count;
  return static_cast<double>(std::max<std::int64_t>(count - 1, 0));  // one is the iterator's own
}

}  // namespace

ProcessFigures read_process_figures() {
  std::ifstream file("/proc/self/stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const double age = seconds_of(CLOCK_BOOTTIME) -
                     field_of_stat(stat, kStartTimeField) / static_cast<double>(sysconf(_SC_CLK_TCK));
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  return {.cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID),
          .resident_bytes = field_of_stat(stat, kResidentPagesField) * static_cast<double>(sysconf(_SC_PAGESIZE)),
          .virtual_bytes = field_of_stat(stat, kVirtualBytesField),
          .start_time_seconds = seconds_of(CLOCK_REALTIME) - age,
          .open_descriptors = count_descriptors(),
          .most_descriptors = static_cast<double>(descriptors.rlim_cur),
          .threads = field_of_stat(stat, kThreadsField)};
}

double field_of_stat(std::string_view stat, int number) {
  constexpr int kFirst = 3;
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return 0;
  stat.remove_prefix(name_end + 2);
  for (int field = kFirst; field < number; ++field) {
    const std::size_t space = stat.find(' ');
    if (space == std::string_view::npos) return 0;
    stat.remove_prefix(space + 1);
  }
  std::int64_t value = 0;
  std::from_chars(stat.data(), stat.data() + stat.size(), value);
  return static_cast<double>(value);
}

}  // namespace streaming
