// SPDX-License-Identifier: Apache-2.0
// --convert: turns the configuration of another daemon for this task, in YAML or TOML, into a file for this daemon.
//
// A setting that this daemon has is carried over. All others are listed in comments, with their line and what to do
// instead, so that none is lost silently. A secret is never printed. docs/MOVING.md has the table.

#pragma once

#include <string>

#include "base/result.h"

namespace streaming {

// The Error reports why the file cannot be read; an unknown setting is not an error.
Result<std::string> convert_configuration(const std::string& path);

}  // namespace streaming
