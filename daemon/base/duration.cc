// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace streaming {
namespace {

// A unit that begins with another unit's letters comes before it.
constexpr std::array<std::pair<std::string_view, double>, 7> kUnits{{
    {"ns", 1},
    {"us", 1e3},
    {"µs", 1e3},
    {"ms", 1e6},
    {"s", 1e9},
    {"m", 60e9},
    {"h", 3600e9},
}};

// Removes a number and its unit from the front of `text` and returns them in nanoseconds.
std::optional<double> take_part(std::string_view& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const auto& [unit, ns] : kUnits) {
    if (!text.starts_with(unit)) continue;
    text.remove_prefix(unit.size());
    return number * ns;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return Nanoseconds(0);
  if (text.empty()) return std::nullopt;
  constexpr double kLongest = 9e18;
  double total = 0;
  while (!text.empty()) {
    const std::optional<double> part = take_part(text);
    if (!part) return std::nullopt;
    total += *part;
  }
  if (!(total < kLongest)) return std::nullopt;
  return Nanoseconds(static_cast<std::int64_t>(total + 0.5));
}

}  // namespace streaming
