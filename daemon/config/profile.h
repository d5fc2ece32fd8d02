// SPDX-License-Identifier: Apache-2.0
// Profiles: named tables of the file below a backend's own (`[backend.langgraph.profiles.NAME]`), with the keys of that
// one. What a profile leaves out is the backend's, wherever that was set. Pure.

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

// The keys that a profile may have, as they stand in its table.
std::vector<std::string_view> profile_keys();

// The option behind one of these keys; null where it is none.
const Option* find_profile_option(std::string_view key);

// Takes the keys that stand in files of the profiles' own; after the backend's. The Error names profile and file.
Status read_profile_secrets(Config& config);

// `config` as the profile has it.
Config with_profile(const Config& config, const ProfileTexts& profile);

}  // namespace streaming
