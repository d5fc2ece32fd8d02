// SPDX-License-Identifier: Apache-2.0
// The limits of what backends keep and repeat. Each comment says what happens at the limit.

#pragma once

#include <cstddef>

#include "base/clock.h"

namespace streaming {

// --- Events ---------------------------------------------------------------------------------------------------------

// What the incomplete events hold together, of a worker's streams from one backend. Events up to the first size are not
// counted. Over the second: the stream whose event has grown last ends with an error event.
inline constexpr std::size_t kUncountedEventBytes = 64 * 1024;
inline constexpr std::size_t kMaxHeldEventBytes = 64 * 1024 * 1024;

// Messages that one run of LangGraph may assemble step by step. Over it: the stream ends with an error event. Also the
// texts of a response that are distinguished. Over it: those that come only as a whole are left out.
inline constexpr std::size_t kMaxRunParts = 1024;

// What waits to be typed of an API's answer (typing.use_api). Over it: it is sent at once.
inline constexpr std::size_t kMaxUntypedBytes = 64 * 1024;

// --- Retries --------------------------------------------------------------------------------------------------------

// From an upstream's failed try to its first repetition, and the longest pause, whether pauses have grown to it or the
// upstream asks for it. An upstream that asks for more is not tried again.
inline constexpr Duration kFirstRetryPause{500};
inline constexpr Duration kMaxRetryPause{8000};

// The longest pause that an upstream may ask for. A longer one is ignored.
inline constexpr int kMaxRetryAfterSeconds = 24 * 3600;

// --- Hand-offs ------------------------------------------------------------------------------------------------------

// The thread's id that the hand-off gives. Over it: 400.
inline constexpr std::size_t kMaxThreadIdBytes = 128;

// Places in a hand-off's texts that ask for attachments. Over it: 400.
inline constexpr std::size_t kMaxAttachmentUses = 1000;

// --- LangGraph ------------------------------------------------------------------------------------------------------

// Threads that a worker remembers to have created, so that it need not ask each time. Over it: a newer one replaces an
// older one.
inline constexpr std::size_t kKnownThreads = 4096;

// Runs that are being cancelled because their clients have left, per worker. Over it: not cancelled.
inline constexpr std::size_t kMaxRunCancellations = 256;

// From a stream's end to the end of the requests that a backend still sends because of it. Over it: they are dropped.
inline constexpr Duration kGoodbyeTimeout{2000};

}  // namespace streaming
