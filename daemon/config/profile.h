// SPDX-License-Identifier: Apache-2.0
// Profiles: named tables below a backend's table in the file (`[backend.langgraph.profiles.NAME]`), with the same keys.
// A profile takes missing values from the backend, from whichever source they come. Pure, but for
// read_profile_secrets().

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/option_table.h"

namespace streaming {

// The table that holds the profiles.
inline constexpr std::string_view kProfilesTable = "backend.langgraph.profiles";

// The keys that a profile's table may have.
std::vector<std::string_view> profile_keys();

// The option for one of these keys; null if it is not one of them.
const Option* find_profile_option(std::string_view key);

// Reads the profiles' secrets that are in separate files. Call it after the backend's have been read. The Error names
// profile and file.
Status read_profile_secrets(Config& config);

// `config` with the profile's values.
Config with_profile(const Config& config, const ProfileTexts& profile);

}  // namespace streaming
