// SPDX-License-Identifier: Apache-2.0
// Valid settings that are worth a warning. Any thread.

#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace streaming {

// A sentence for each.
std::vector<std::string> warnings_of(const Config& config);

// Logs a line for each: at the start, and after a reload.
void warn_of(const Config& config);

}  // namespace streaming
