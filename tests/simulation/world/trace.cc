// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/trace.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "simulation/world/scheduler.h"

namespace streaming::simulation {
namespace {

constexpr std::uint64_t kPrime = 0x100000001b3;  // FNV-1a

double seconds(std::int64_t ns) {
  return static_cast<double>(ns - Scheduler::kStartNs) / 1e9;
}

}  // namespace

void Trace::fold(const Line& line) {
  hash_ = (hash_ ^ static_cast<std::uint64_t>(line.ns)) * kPrime;
  for (std::size_t i = 0; i < line.bytes; ++i) hash_ = (hash_ ^ static_cast<unsigned char>(line.text[i])) * kPrime;
}

void Trace::print(const Line& line) {
  std::printf("%12.6f %.*s\n", seconds(line.ns), static_cast<int>(line.bytes), line.text.data());
}

void Trace::print_last() const {
  const std::uint64_t first = count_ - std::min<std::uint64_t>(count_, lines_.size());
  for (std::uint64_t number = first; number < count_; ++number) {
    const Line& line = lines_[number % lines_.size()];
    std::array<char, 200> text;
    const int bytes = std::snprintf(text.data(), text.size(), "%12.6f %.*s\n", seconds(line.ns),
                                    static_cast<int>(line.bytes), line.text.data());
    if (write(STDERR_FILENO, text.data(), static_cast<std::size_t>(bytes)) < 0) return;
  }
}

}  // namespace streaming::simulation
