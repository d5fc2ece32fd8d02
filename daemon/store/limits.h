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

// How often a worker shows the store that it lives, and how long such a sign holds. Over it: its answers count as broken
// off for others.
inline constexpr Duration kStoreHeartbeat{700};
inline constexpr Duration kStoreLifeTime{2500};

// What is sent to the store and not answered, per connection. Over it: what is to be stored waits in the kept answers.
inline constexpr std::size_t kMaxUnansweredStoreBytes = 4 * 1024 * 1024;

}  // namespace streaming
