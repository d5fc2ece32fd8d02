// SPDX-License-Identifier: Apache-2.0
// Tests what a start needs of this system: its limits, its kernel, its directories.

#pragma once

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Does the steps of a start before it listens, and undoes them. A running daemon is not disturbed. `config` has passed
// check_config(); the Error names what to change.
Status check_start(const Config& config);

}  // namespace streaming
