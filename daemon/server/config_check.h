// SPDX-License-Identifier: Apache-2.0
// Rules about several settings together, which the option table cannot express.

#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "store/store.h"

namespace streaming {

// The settings of the log.
LogSettings log_settings(const Config& config);

// Where reports survive an end of the daemon; empty if nowhere.
std::string journal_directory(const Config& config);

// Of a configuration with a store. The Error names the setting's source.
Result<StoreSettings> store_settings(const Config& config);

// The Error names the setting's source and what it needs.
Status check_config(const Config& config);

}  // namespace streaming
