// SPDX-License-Identifier: Apache-2.0
// Parses durations in Go's notation: 10s, 500ms, 1m30s, 1.5h. Pure.

#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace streaming {

using Nanoseconds = std::chrono::nanoseconds;

// Empty if `text` is not a duration, is negative, or exceeds 64 bits of nanoseconds. "0" needs no unit.
std::optional<Nanoseconds> parse_duration(std::string_view text);

}  // namespace streaming
