// SPDX-License-Identifier: Apache-2.0
// The limits of a worker's ring and its timers. Each comment says what happens at the limit.

#pragma once

#include <cstdint>

#include "base/clock.h"

namespace streaming {

// The ring's submission queue. Over it: what is queued is submitted before the turn's end.
inline constexpr std::uint32_t kSubmissionEntries = 4096;
// The completions of several submissions can gather before they are read.
inline constexpr std::uint32_t kCompletionEntries = 4 * kSubmissionEntries;

// How late a worker's turn may come before the worker counts as having stood still. No timer counts the rest of the
// delay.
inline constexpr Duration kLateTurn{250};

// How long a worker waits for completions alone if the kernel has no memory for further operations.
inline constexpr Duration kNoMemoryPause{1};

}  // namespace streaming
