// SPDX-License-Identifier: Apache-2.0
// Durations as Go writes them: 10s, 500ms, 1m30s, 1.5h. Pure.

#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace streaming {

using Nanoseconds = std::chrono::nanoseconds;

// Nothing where `text` is no duration, is negative or too long to be counted. "0" needs no unit.
std::optional<Nanoseconds> parse_duration(std::string_view text);

}  // namespace streaming
