// SPDX-License-Identifier: Apache-2.0
// The limits of the connections to the store. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// A reply of the store, in bytes and in elements. Over either: the connection is closed, and opened again.
inline constexpr std::size_t kMaxStoreReplyBytes = 16 * 1024 * 1024;
inline constexpr std::int64_t kMaxStoreReplyElements = 1 << 16;

// From a lost connection to the next one: the longest pause.
inline constexpr Duration kMaxStorePause{1000};

// How often a worker shows the store that it lives, and how long such a sign holds. Over it, and if there is none after
// the pause either, because a store that has hung looks at old signs before it takes new ones: the worker's answers
// count as broken off for others. Together they are less than the three seconds within which clients hear of it.
inline constexpr Duration kStoreHeartbeat{500};
inline constexpr Duration kStoreLifeTime{1800};
inline constexpr Duration kStoreSecondLookPause{500};

// After a store that could not be reached: until all others that live have found it too and shown that they live. Over
// it: their answers count as broken off.
inline constexpr Duration kStoreRecovery{8000};

// What is sent to the store and not answered, per connection. Over it: what is to be stored waits in the kept answers.
inline constexpr std::size_t kMaxUnansweredStoreBytes = 4 * 1024 * 1024;

}  // namespace streaming
