// SPDX-License-Identifier: Apache-2.0
// What the option table cannot tell of the daemon's settings: whether they go together.

#pragma once

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace streaming {

// What of them the log needs.
LogSettings log_settings(const Config& config);

// The Error names where the setting comes from, and what it needs.
Status check_config(const Config& config);

}  // namespace streaming
