// SPDX-License-Identifier: Apache-2.0
// Driver: runs many seeds, in several processes, and adds up what they have reached.
//
// A process runs a batch of seeds and ends, because processes of daemons that have crashed stay in its memory. It also ends
// at its first failure. All end if more have failed than `Work` allows.

#pragma once

#include <cstdint>
#include <optional>

#include "simulation/world/coverage.h"

namespace streaming::simulation {

struct Work {
  std::uint64_t first = 1;
  std::optional<std::uint64_t> last;  // none: until the time is up
  std::uint64_t seconds = 0;          // 0: no limit
  unsigned jobs = 1;
  unsigned most_failures = 1;  // it ends with that one
};

struct Done {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  std::uint64_t handoffs = 0;
  std::uint64_t hash = 0;  // of all traces, in any order
  double cpu_seconds = 0;
  unsigned failures = 0;
};

// Runs one seed in this process, and writes how it went; false if it failed. `prints_trace`: all of its steps.
bool run_one(std::uint64_t seed, std::uint64_t steps, bool prints_trace);

Done run_many(const Work& work, Coverage& coverage);

}  // namespace streaming::simulation
