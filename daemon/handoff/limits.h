// SPDX-License-Identifier: Apache-2.0
// The limits of the hand-off: its connections, its messages and the fields of its payload. Each comment says what
// happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// --- Connections ----------------------------------------------------------------------------------------------------

// Apache's connections that have not sent their message yet, per worker. Over it: the one that has been silent longest
// is closed, so that silent peers do not keep others out. Apache sends its message as soon as it has connected.
inline constexpr std::uint32_t kMaxSilentConnections = 768;

// A connection that has sent nothing for this long counts as silent.
inline constexpr Duration kSilentAfter{2};

// Hand-offs that a worker was given and has not read yet. Over it: it accepts nothing until it has halved them; other
// workers get the next one, or the listen backlog holds new connections.
inline constexpr std::uint32_t kMaxUnread = 128;

// A worker passes on what it accepts if it has this part more streams than the one with the most room: an eighth.
inline constexpr std::uint32_t kMostAhead = 8;

// Pause between two checks whether a worker has caught up.
inline constexpr Duration kBehindPause{1};

// Pause between two log lines about users who may not hand over clients, per worker.
inline constexpr Duration kStrangerComplaintPause{10'000};

// Connections that wait to be accepted. Over it: Apache finds the daemon busy, and tries again. The kernel lowers it to
// net.core.somaxconn.
inline constexpr std::uint32_t kListenBacklog = 640;

// Accepts that a worker has in flight at one time, each an operation. Over it: in the next turn, or other workers get
// the connection. So many may wait for a worker that is busy while others are not.
inline constexpr std::uint32_t kAcceptsAtOnce = 16;

// Places that a worker keeps for clients who come with the next message of their connection. Over it: refused with 503.
inline constexpr std::uint32_t kMaxReservations = 256;

// From a reservation to its client. Over it: the place is given to others, and the connection closed.
inline constexpr Duration kReservationTimeout{10'000};

// All of Apache's connections, per worker: what the limits above allow, and those that are being passed on, answered or
// closed. Over it: the worker accepts nothing, and is passed none.
inline constexpr std::uint32_t kMaxHandoffConnections =
    kMaxSilentConnections + kMaxUnread + kAcceptsAtOnce + kMaxReservations + 448;

// Pause before a hand-off's operation that failed for lack of memory is tried again.
inline constexpr Duration kHandoffRetryPause{10};

// Pause before a failed accept is tried again.
inline constexpr Duration kAcceptRetryPause{50};

// After how many seconds a client may try again that is refused because of what is short for a moment here.
inline constexpr int kBusyRetryAfterSeconds = 1;

// From a decision until Apache has read it; the second one when the worker ends. Over it: the connection is closed, and
// a refused client is Apache's.
inline constexpr Duration kReplyTimeout{5000};
inline constexpr Duration kReplyTimeoutAtEnd{1000};

// Receive buffers that a worker provides to its ring, each for a message of the largest size. A message that finds none
// waits for the next turn; messages are read in the order in which they arrived.
inline constexpr std::uint32_t kReceiveBuffers = 16;

// Bytes of incomplete messages (SOCK_STREAM), per worker. Over it: the message that has grown last is refused with 503.
inline constexpr std::size_t kMaxPartialMessageBytes = 16 * 1024 * 1024;

// --- Clients --------------------------------------------------------------------------------------------------------

// Bytes that the kernel takes for a client in addition to those in flight. Over it: the stream keeps what it has to
// send.
inline constexpr int kClientUnsentBytes = 16 * 1024;

// --- Payload --------------------------------------------------------------------------------------------------------

// The payload's user_id, which is kept while the user has streams. Over it: 400.
inline constexpr std::size_t kMaxIdBytes = 256;

// The payload's answer_id. Over it: 400.
inline constexpr std::size_t kMaxAnswerIdBytes = 128;

// The name of a hook in the payload's on_end, and its on_end_data as JSON. Over it: 400.
inline constexpr std::size_t kMaxHookNameBytes = 64;
inline constexpr std::size_t kMaxReportDataBytes = 64 * 1024;

// The headers for the answer's head, the payload's and Apache's together, as lines. A client that does not read has its
// stream hold the head; and Apache relays none over 32 KiB. Over it: 400.
inline constexpr std::size_t kMaxResponseHeaderBytes = 24 * 1024;

// A field of the payload that is sent to the API as a header. Over it: 400.
inline constexpr std::size_t kMaxHeaderValueBytes = 4096;

}  // namespace streaming
