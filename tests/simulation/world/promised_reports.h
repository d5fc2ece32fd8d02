// SPDX-License-Identifier: Apache-2.0
// What the journals promise when a daemon is killed: the reports that they have for certain.

#pragma once

#include <string>
#include <vector>

#include "simulation/daemon_history.h"
#include "simulation/world/disk.h"

namespace streaming::simulation {

// `journals`: their directory; empty if there is none. `of_the_machine`: what was not synced may be lost.
std::vector<PromisedReport> promised_reports(const std::string& journals, const Disk& disk, bool of_the_machine);

}  // namespace streaming::simulation
