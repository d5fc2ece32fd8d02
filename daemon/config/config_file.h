// SPDX-License-Identifier: Apache-2.0
// The TOML file.

#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Sets what the file at `path` says. The Error names file, line and key, and for an unknown key the nearest one.
Status read_config_file(const std::string& path, Config& config);

// A file that says what `config` says; without its secrets.
std::string config_file_text(const Config& config);

// Likewise, of the settings alone that have a source.
std::string given_settings_text(const Config& config);

// The first of the default places that exists; empty when none does.
std::string find_config_file();

}  // namespace streaming
