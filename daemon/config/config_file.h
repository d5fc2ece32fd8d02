// SPDX-License-Identifier: Apache-2.0
// Reads and writes the daemon's TOML file. Pure, but for the file.

#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Sets the values in the file at `path`. The Error names file, line and key, and for an unknown key the nearest known
// one.
Status read_config_file(const std::string& path, Config& config);

// The settings of `config` as a file, without secrets.
std::string config_file_text(const Config& config);

// The same, but only the settings that have a source.
std::string given_settings_text(const Config& config);

// The first default path that exists; empty if none does.
std::string find_config_file();

}  // namespace streaming
