// SPDX-License-Identifier: Apache-2.0
// Profiles: named tables in the file with the same keys as the section that they belong to: the profiles of LangGraph
// (`[backend.langgraph.profiles.NAME]`) and the hooks (`[answers.hooks.NAME]`). A profile takes missing values from its
// section, from whichever source they come. Pure, but for read_profile_secrets().

#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/option_table.h"

namespace streaming {

struct ProfileKind {
  std::string_view table;   // that holds the profiles
  std::string_view prefix;  // in the option table, of the keys that a profile may have
  std::map<std::string, ProfileTexts, std::less<>> Config::*profiles;
  std::string_view secret;  // a key that may be in a file, which the key with "_file" behind it names
};

inline constexpr ProfileKind kLangGraphProfiles{"backend.langgraph.profiles", "backend.langgraph.",
                                                &Config::langgraph_profiles, "api_key"};
// The table has the section's own keys, too.
inline constexpr ProfileKind kHooks{"answers.hooks", "answers.hooks.", &Config::hooks, "secret"};
inline constexpr std::array kProfileKinds{kLangGraphProfiles, kHooks};

// The keys that a profile's table may have.
std::vector<std::string_view> profile_keys(const ProfileKind& kind);

// The option for one of these keys; null if it is not one of them.
const Option* find_profile_option(const ProfileKind& kind, std::string_view key);

// Reads the profiles' secrets that are in separate files. Call it after the sections' have been read. The Error names
// profile and file.
Status read_profile_secrets(Config& config);

// `config` with the profile's values.
Config with_profile(const Config& config, const ProfileKind& kind, const ProfileTexts& profile);

}  // namespace streaming
