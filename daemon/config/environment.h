// SPDX-License-Identifier: Apache-2.0
// The environment's part of the settings.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// Sets what the variables of the option table say, and remarks on those that look like them and are none. The Error
// names the variable.
Status apply_environment(Config& config);

// What to tell of each variable, "NAME=VALUE", that begins as ours do or was another daemon's, and sets nothing here.
// Values are never part of it. Pure.
std::vector<std::string> remarks_on_variables(std::span<const std::string_view> environment);

}  // namespace streaming
