// SPDX-License-Identifier: Apache-2.0
// The option table: each setting once, with its key in the file, its flag, its variable and its range. The parsers,
// --help and the manual page use it, and a test compares conf/config.toml with it.

#pragma once

#include <span>
#include <string_view>

#include "config/option.h"

namespace streaming {

std::span<const Option> option_table();

// Null if there is no such key.
const Option* find_option(std::string_view key);

}  // namespace streaming
