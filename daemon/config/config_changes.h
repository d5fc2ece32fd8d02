// SPDX-License-Identifier: Apache-2.0
// ConfigChanges: what a reload changes while the daemon runs. Pure.

#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace streaming {

struct ConfigChanges {
  Config config;                           // in force from now on
  std::vector<std::string> taken;          // options whose new value is in `config`
  std::vector<std::string> needs_restart;  // options whose new value needs a restart
};

ConfigChanges config_changes(const Config& current, const Config& fresh);

}  // namespace streaming
