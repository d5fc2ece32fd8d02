// SPDX-License-Identifier: Apache-2.0
// Invariants of daemons: what must hold after each step, and when a process has ended in order. Pure: each returns what is
// broken; empty if nothing is.

#pragma once

#include <string>

#include "simulation/world/simulated_daemon.h"

namespace streaming::simulation {

// At any moment between two turns.
std::string broken_invariant(const SimulatedDaemon& daemon);

// Its threads have ended, and none of its workers has failed: all must be given back.
std::string not_given_back(const SimulatedDaemon& daemon);

// Counts what its workers' counters have reached.
void count_reached(const SimulatedDaemon& daemon, Coverage& coverage);

}  // namespace streaming::simulation
