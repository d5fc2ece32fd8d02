// Whether the daemon could run with its settings, as far as that can be told without starting it.

#pragma once

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace streaming {

// What of them the log needs.
LogSettings log_settings(const Config& config);

// The Error names the setting and what it may be.
Status check_config(const Config& config);

}  // namespace streaming
