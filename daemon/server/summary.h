// SPDX-License-Identifier: Apache-2.0
// Summary: the sums of all workers' counters when the workers have ended.

#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "metrics/counters.h"
#include "backends/close_cause.h"

namespace streaming {

struct Summary {
  std::array<std::uint64_t, static_cast<std::size_t>(Counter::kCount)> counters{};
  std::array<std::uint64_t, kCloseCauses> closed{};
  std::uint64_t peak_streams = 0;  // the sum of the workers' peaks
  Duration elapsed{0};
  bool failed = false;  // a worker ended with an error

  std::uint64_t counted(Counter counter) const { return counters[static_cast<std::size_t>(counter)]; }
  std::uint64_t closed_by(CloseCause cause) const { return closed[static_cast<std::size_t>(cause)]; }
};

// For --benchmark: one figure on each line.
std::string to_text(const Summary& summary);

}  // namespace streaming
