// SPDX-License-Identifier: Apache-2.0
// The pause before a try that follows others: it doubles with each, and is shorter by up to a quarter by chance, so that
// those who failed together do not try again together. Pure.

#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// `tries` went before that pause, the first not counted.
template <typename Random>
Duration growing_pause(Duration first, Duration most, int tries, Random& random) {
  Duration longest = first;
  while (tries-- > 0 && longest < most) longest *= 2;
  longest = std::min(longest, most);
  return longest - Duration(static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(longest.count()) / 4)));
}

}  // namespace streaming
