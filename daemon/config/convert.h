// SPDX-License-Identifier: Apache-2.0
// --convert: the settings of another daemon that does this job, in YAML or TOML, as a file of ours.
//
// What has a key of ours is carried over; all else is named in comments, with its line and what to do instead, so that
// no setting is lost in silence. A secret is never printed. docs/MOVING.md has the table.

#pragma once

#include <string>

#include "base/result.h"

namespace streaming {

// The Error says why the file cannot be read; a setting that we do not have is none.
Result<std::string> convert_configuration(const std::string& path);

}  // namespace streaming
