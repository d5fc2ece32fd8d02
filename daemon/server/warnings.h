// SPDX-License-Identifier: Apache-2.0
// Valid settings that are worth a warning. Any thread.

#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace streaming {

// A sentence each.
std::vector<std::string> warnings_of(const Config& config);

// To the log, a line each: at the start, and when other settings have been taken.
void warn_of(const Config& config);

}  // namespace streaming
