// SPDX-License-Identifier: Apache-2.0
// What changes when the settings are read again while the daemon runs. Pure.

#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace streaming {

struct ConfigChanges {
  Config config;                           // what holds from now on
  std::vector<std::string> taken;          // options whose new value is in it
  std::vector<std::string> needs_restart;  // options whose new value is not
};

ConfigChanges config_changes(const Config& current, const Config& fresh);

}  // namespace streaming
