// SPDX-License-Identifier: Apache-2.0
// The limits of the streams. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "handoff/limits.h"

namespace streaming {

// Streams beyond max_connections, per worker, that only report that the daemon is full. Over it: the client is closed.
inline constexpr std::uint32_t kMaxRefusals = 256;

// The smallest peak, in streams, after which memory is returned to the system, and how long after the peak.
inline constexpr std::uint32_t kTrimAtStreams = 16;
inline constexpr Duration kTrimPause{2000};

// After how many seconds a refused client may try again, as Retry-After tells it.
inline constexpr int kRetryAfterSeconds = 2;

// Models, of all backends, whose tokens are counted separately. Over it: together, as "other".
inline constexpr std::size_t kMaxModels = 64;

// What is kept of a hand-off for the log, /streams and the metrics: its request_id and its user_id each, its model; and
// of what Apache adds, the request's id, the client's address and the path. Over it: cut.
inline constexpr std::size_t kMaxKeptIdBytes = kMaxIdBytes;
inline constexpr std::size_t kMaxKeptModelBytes = 128;
inline constexpr std::size_t kMaxKeptApacheIdBytes = 64;
inline constexpr std::size_t kMaxKeptAddressBytes = 64;
inline constexpr std::size_t kMaxKeptPathBytes = 128;

// After the answer's end: for how long a client that goes on sending is read. Over it: closed.
inline constexpr Duration kDrainTimeout{2000};

// The part of kDrainTimeout that a client over HTTP/2 has to close the connection before the daemon does. Over TLS
// Node's module http2 drops what its user has not read if the connection's end comes with the answer's.
inline constexpr Duration kClientsTurn{1500};
static_assert(kClientsTurn < kDrainTimeout);

// A client over TLS or HTTP/2 may close as soon as it has read the answer, and leave close_notify or GOAWAY unread. Its
// kernel then resets the connection, often before it has acknowledged what it had received last. At most so many bytes
// without an acknowledgement count as received at such an end; over it: the client has left before the end.
inline constexpr std::int32_t kUnacknowledgedAtReset = 512;

// What is read of a client, in KiB: of HTTP/1.x over TLS at any time, otherwise after the answer's end. Over it: a
// client over TLS is not read any more while its answer runs; after the end the connection is closed. HTTP/2 has limits
// of its own until the daemon shuts its side down (client/limits.h).
inline constexpr std::uint16_t kMaxReceivedKb = 1024;

// Receives from clients over TLS and HTTP/2 in flight at one time, per worker; each takes one of kStreamBuffers. Over
// it: the others wait, in the order in which they came.
inline constexpr std::uint32_t kMaxClientReceives = 16;

// From the hand-off of a client over HTTP/2 until its head, with GOAWAY directly behind it. Chromium fails a request
// for which it has chosen a connection, and not begun to use it, when GOAWAY arrives. A page asks for several things
// within a moment, and for more when it has the head: GOAWAY comes between the two.
inline constexpr Duration kHttp2HeadDelay{50};

// Bytes of incomplete records from clients over TLS, per worker. Over it: of a client whose record is incomplete, that
// part is dropped, and nothing more is read while its answer runs. Over HTTP/2 it can then open its windows no more,
// and write_timeout ends its stream if they do not suffice.
inline constexpr std::size_t kMaxIncompleteRecordBytes = 16 * 1024 * 1024;

}  // namespace streaming
