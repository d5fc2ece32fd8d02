// SPDX-License-Identifier: Apache-2.0
// Reads settings from environment variables.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Sets the values of the option table's variables, and adds remarks on variables that only resemble them. The Error
// names the variable.
Status apply_environment(Config& config);

// A remark on each variable ("NAME=VALUE") without effect that begins like ours or is known from another daemon.
// Remarks contain no values. Pure.
std::vector<std::string> remarks_on_variables(std::span<const std::string_view> environment);

}  // namespace streaming
