// SPDX-License-Identifier: Apache-2.0
// What the default seeds are expected to reach, of what Coverage counts. A run over many seeds that misses one of them
// reports it: either the simulation no longer does what it is to do, or the daemon does not.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/counters.h"
#include "simulation/world/coverage.h"

namespace streaming::simulation {

// What of it was not reached: kind and name.
std::vector<std::pair<std::string, std::string>> missed_by(const Coverage& coverage);

std::string counter_name(const CounterInfo& counter);
// The frames with which a write to a journal begins.
void count_frames(std::string_view written, Coverage& coverage);

}  // namespace streaming::simulation
