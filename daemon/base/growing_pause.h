// SPDX-License-Identifier: Apache-2.0
// The pause before another try. It doubles with each try and is randomly up to a quarter shorter, so that callers that
// failed together do not try again together. Pure.

#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// `tries` tries came before this pause, not counting the first.
template <typename Random>
Duration growing_pause(Duration first, Duration most, int tries, Random& random) {
  Duration longest = first;
  while (tries-- > 0 && longest < most) longest *= 2;
  longest = std::min(longest, most);
  return longest - Duration(static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(longest.count()) / 4)));
}

}  // namespace streaming
