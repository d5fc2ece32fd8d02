// SPDX-License-Identifier: Apache-2.0
// What of a start can fail for reasons of this system: its limits, its kernel, its directories.

#pragma once

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Does what a start does before it listens, and undoes it. A daemon that runs is not disturbed. `config` has passed
// check_config(); the Error says what to change.
Status check_start(const Config& config);

}  // namespace streaming
