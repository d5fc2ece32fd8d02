// SPDX-License-Identifier: Apache-2.0
// The limits of a worker's ring and its timers. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// Entries of the ring's submission queue. Over it: the queued ones are submitted before the turn's end.
inline constexpr std::uint32_t kSubmissionEntries = 4096;
// Entries of the ring's completion queue, because the completions of several submissions can gather before they are
// read. Over it: the kernel keeps them in its memory, if it has some, or loses them (EBADR).
inline constexpr std::uint32_t kCompletionEntries = 4 * kSubmissionEntries;

// Threads of a worker that make calls which may block on a disk, if the engine is epoll. Over it: calls wait for the
// ones before them.
inline constexpr std::size_t kBlockingThreads = 2;

// Longest delay of a worker's turn that timers count. Over it: the worker counts as having stood still, and no timer
// counts the rest of the delay.
inline constexpr Duration kLateTurn{250};

// Timers that a turn fires. Over it: the rest in the next turn, before which the worker does not wait. So what streams
// send after a late turn is not all in memory at once.
inline constexpr std::uint32_t kTimersATurn = 1024;

// Longest time for which a worker waits for something else before it looks at quiet sends. If its next timer is later, it
// looks at once.
inline constexpr Duration kQuietSendDelay{1};

// How long a worker only waits for completions if the kernel has no memory for further operations.
inline constexpr Duration kNoMemoryPause{1};

}  // namespace streaming
