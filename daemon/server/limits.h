// SPDX-License-Identifier: Apache-2.0
// The limits of the whole process and of its monitoring endpoint. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "stream/limits.h"

namespace streaming {

// From the order to end the streams to the forced end of those that remain, at shutdown or when a worker fails.
inline constexpr Duration kEndTimeout = kDrainTimeout + Duration(1000);

// Rounds in which a worker that stood still takes completions that have gathered, before the first timer fires.
inline constexpr int kCatchUpRounds = 64;

// Descriptors that are not for clients: those of libraries, of the log, and those that a worker waits on.
inline constexpr std::uint64_t kProcessFiles = 256;

// What of a User-Agent distinguishes browsers, which are remembered while their connections last. Over it: cut.
inline constexpr std::size_t kMaxBrowserBytes = 512;

// --- Upgrades -------------------------------------------------------------------------------------------------------

// Answers that a worker takes over from its predecessor, or asks it for, at one time, each with a descriptor. Over it, or
// if no descriptor is left for it: 503.
inline constexpr std::uint32_t kMaxImports = 1024;

// From a question to the predecessor until it has sent what it has of the answer. Over it: the clients that wait get
// 503, because to begin the answer anew could be to pay for it twice.
inline constexpr Duration kPredecessorPatience{3000};

// The head of the predecessor's answer. Over it: it counts as not having the answer.
inline constexpr std::size_t kMaxImportHeadBytes = 16 * 1024;

// Hand-offs of the successor that the main thread reads in a row. Over it: it looks after other things first.
inline constexpr int kSuccessorHandoffsAtOnce = 64;

// Hand-offs of the successor for unknown answers, which wait until all earlier hand-offs are decided. Over it: the next
// ones are not read before that.
inline constexpr std::size_t kMaxSuccessorHandoffsWaiting = 1024;

// --- Answers of other hosts -----------------------------------------------------------------------------------------

// How long a worker that has asked the store whether it may ask the model may take until its answer runs. Over it:
// another one may ask the model too. Also how long an order waits for a worker that has ended.
inline constexpr Duration kClaimTime{10'000};

// How long a hand-off that asks for an answer waits for the store's reply to its claim. Over it: the answer begins without
// one, or is refused with 503 if the store is required; and those that come do not wait at all, until the store replies.
inline constexpr Duration kClaimPatience{250};

// How often, and after which pause each time, it is looked whether such an answer runs. Over it: the client is told to
// come again.
inline constexpr int kMostLooks = 40;
inline constexpr Duration kLookAgainPause{50};

// How often an answer of another host is read without a wake-up.
inline constexpr Duration kStoredPollInterval{500};

// --- Monitoring -----------------------------------------------------------------------------------------------------

// A worker's answer to a question. Over it: the worker counts as dead, and its streams are not listed.
inline constexpr Duration kWorkerAnswerTimeout{1000};

// Requests that are read and answered at one time, each by a thread; and the time from a connection to its request.
// Over the first: they wait. Over the second: closed, so that connections without a request do not block others for
// long.
inline constexpr int kStatusThreads = 8;
inline constexpr Duration kStatusRequestTimeout{2000};

// Streams that /streams lists, per worker, and kept answers. Over it: left out.
inline constexpr std::size_t kMostListed = 1000;

// What --answers reads of the daemon that runs. Over it: an error.
inline constexpr std::size_t kMaxListBytes = 256 * 1024 * 1024;

// Pause before the next attempt to listen while another process has the port.
inline constexpr Duration kStatusRetryPause{500};

}  // namespace streaming
