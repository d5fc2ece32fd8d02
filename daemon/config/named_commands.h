// SPDX-License-Identifier: Apache-2.0
// Commands by name, as a value of the configuration: { NAME = ["/PATH/PROGRAM", "ARGUMENT", ...], ... }. Pure.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// A program is named by its absolute path: nothing is looked for in directories.
Result<NamedCommands> parse_commands(std::string_view text);

// What parse_commands() takes.
std::string commands_text(const NamedCommands& commands);

}  // namespace streaming
