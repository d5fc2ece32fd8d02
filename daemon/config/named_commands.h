// SPDX-License-Identifier: Apache-2.0
// Parses and writes named commands, a value of the configuration: { NAME = ["/PATH/PROGRAM", "ARGUMENT", ...], ... }.
// Pure.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Each program needs its absolute path: no directories are searched.
Result<NamedCommands> parse_commands(std::string_view text);

// The text that parse_commands() accepts.
std::string commands_text(const NamedCommands& commands);

}  // namespace streaming
