// SPDX-License-Identifier: Apache-2.0
// The parts of the view that are text.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "top/view.h"

namespace top {
namespace {

std::string grouped(double whole) {
  std::string digits = fmt::format("{:.0f}", whole);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace

std::string sparkline(const std::deque<double>& values, std::size_t cells, bool utf8) {
  constexpr std::array kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array kLetters{" ", ".", ":", "-", "=", "+", "*", "#", "@"};
  const std::size_t shown = std::min(cells, values.size());
  const auto first = values.end() - static_cast<std::ptrdiff_t>(shown);
  const double highest = shown == 0 ? 0 : *std::max_element(first, values.end());
  std::string line;
  for (auto value = first; value != values.end(); ++value) {
    constexpr double kLevels = kBlocks.size() - 1;
    const double level = highest > 0 && *value > 0 ? std::max(1.0, std::round(*value / highest * kLevels)) : 0;
    line += (utf8 ? kBlocks : kLetters)[static_cast<std::size_t>(level)];
  }
  return line;
}

std::string bar(double share, std::size_t cells, bool utf8) {
  if (!utf8 && cells < 2) return "";
  const std::size_t inside = utf8 ? cells : cells - 2;
  const double filled = std::round(std::clamp(share, 0.0, 1.0) * static_cast<double>(inside));
  // What there is is seen.
  const std::size_t full = std::min(inside, static_cast<std::size_t>(share > 0 ? std::max(filled, 1.0) : 0));
  std::string line = utf8 ? "" : "[";
  for (std::size_t i = 0; i < inside; ++i) line += i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : ".");
  return line + (utf8 ? "" : "]");
}

std::string count_text(double count) {
  constexpr double kExactBelow = 100;
  const bool is_whole = std::abs(count - std::round(count)) < 0.05;
  return count < kExactBelow && !is_whole ? fmt::format("{:.1f}", count) : grouped(std::round(count));
}

std::string bytes_text(double bytes) {
  constexpr std::array kUnits{"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, bytes < 100 && unit > 0 ? 1 : 0, kUnits[unit]);
}

std::string seconds_text(double seconds) {
  if (std::isnan(seconds)) return "-";
  if (seconds < 0.001) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.{}f} ms", seconds * 1000, seconds < 0.1 ? 1 : 0);
  if (seconds < 100) return fmt::format("{:.{}f} s", seconds, seconds == std::floor(seconds) ? 0 : 1);
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  if (whole < 24 * 3600) return fmt::format("{} h {:02} m", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {:02} h", whole / (24 * 3600), whole / 3600 % 24);
}

}  // namespace top
