// SPDX-License-Identifier: Apache-2.0
#include "top/keys.h"

#include <algorithm>
#include <array>

namespace top {
namespace {

constexpr std::array kIntervals{0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0};
constexpr std::string_view kUp = "\x1b[A", kDown = "\x1b[B", kPageUp = "\x1b[5~", kPageDown = "\x1b[6~";
// As a terminal in application mode says them.
constexpr std::string_view kOtherUp = "\x1bOA", kOtherDown = "\x1bOB";

double longer_than(double interval) {
  const auto next = std::upper_bound(kIntervals.begin(), kIntervals.end(), interval);
  return next == kIntervals.end() ? std::max(interval, kIntervals.back()) : *next;
}

double shorter_than(double interval) {
  const auto next = std::lower_bound(kIntervals.begin(), kIntervals.end(), interval);
  return next == kIntervals.begin() ? std::min(interval, kIntervals.front()) : *(next - 1);
}

bool take(std::string_view& typed, std::string_view key) {
  if (!typed.starts_with(key)) return false;
  typed.remove_prefix(key.size());
  return true;
}

// Down where it is positive.
void scroll(View& view, Size size, std::ptrdiff_t lines) {
  const std::size_t rows = view.streams ? view.streams->size() : 0;
  const std::size_t most = rows - std::min(rows, visible_streams(size));
  const auto wanted = static_cast<std::ptrdiff_t>(view.scroll) + lines;
  view.scroll = std::min(static_cast<std::size_t>(std::max<std::ptrdiff_t>(wanted, 0)), most);
}

}  // namespace

bool apply_keys(std::string_view typed, Size size, View& view) {
  const auto page = static_cast<std::ptrdiff_t>(visible_streams(size));
  while (!typed.empty()) {
    if (take(typed, "q") || take(typed, "Q")) return false;
    if (take(typed, "s")) {
      view.tab = view.tab == Tab::kStreams ? Tab::kOverview : Tab::kStreams;
    } else if (take(typed, " ")) {
      view.paused = !view.paused;
    } else if (take(typed, "+")) {
      view.interval_s = longer_than(view.interval_s);
    } else if (take(typed, "-")) {
      view.interval_s = shorter_than(view.interval_s);
    } else if (take(typed, kUp) || take(typed, kOtherUp) || take(typed, "k")) {
      scroll(view, size, -1);
    } else if (take(typed, kDown) || take(typed, kOtherDown) || take(typed, "j")) {
      scroll(view, size, 1);
    } else if (take(typed, kPageUp)) {
      scroll(view, size, -page);
    } else if (take(typed, kPageDown)) {
      scroll(view, size, page);
    } else {
      typed.remove_prefix(1);
    }
  }
  return true;
}

}  // namespace top
