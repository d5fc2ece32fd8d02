// Summary: what the daemon has done, added up over its workers when they have ended.

#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "metrics/counters.h"
#include "stream/stream_table.h"

namespace streaming {

struct Summary {
  Counters counters;
  StreamTable::CloseCounts closed{};
  std::uint64_t peak_streams = 0;  // the sum of the workers' peaks
  Duration elapsed{0};
  bool failed = false;  // a worker ended with an error

  std::uint64_t closed_by(CloseCause cause) const { return closed[static_cast<std::size_t>(cause)]; }
};

// For --benchmark: one figure a line.
std::string to_text(const Summary& summary);

}  // namespace streaming
