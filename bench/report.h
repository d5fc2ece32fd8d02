// SPDX-License-Identifier: Apache-2.0
// Writes the results as JSON for machines and as a table for people. Pure.

#pragma once

#include <optional>
#include <string>

#include "bench/daemon_meter.h"
#include "bench/tally.h"

namespace streaming::bench {

std::string to_json(const Tally& tally, const std::optional<DaemonFigures>& daemon);

std::string to_table(const Tally& tally, const std::optional<DaemonFigures>& daemon);

}  // namespace streaming::bench
