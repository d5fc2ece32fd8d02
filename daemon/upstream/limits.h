// SPDX-License-Identifier: Apache-2.0
// The limits of requests to APIs, their connections and their answers. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// --- Connecting -----------------------------------------------------------------------------------------------------

// From the first attempt to connect, TLS included. Over it: the stream ends with an error event.
inline constexpr Duration kUpstreamConnectTimeout{10'000};

// From the attempt at one address of a host to the attempt at the next, while none has answered (RFC 8305, 5).
inline constexpr Duration kAddressStagger{250};

// Addresses of a host that are tried. The others: never.
inline constexpr std::size_t kMaxAddresses = 8;

// How long a host's addresses are used before they are resolved again, unless the name server's answer allows less; and
// how long an error is kept, and an answer that allows less than that.
inline constexpr Duration kResolvedForTime{30'000};
inline constexpr Duration kUnresolvedForTime{1000};

// How long a name server may take for its first answer; the time doubles with each try.
inline constexpr Duration kNameServerTimeout{2000};
inline constexpr int kNameServerTries = 3;

// Names whose addresses a worker knows or resolves. Over it: unused names are forgotten; if all are in use, the stream
// ends with an error event.
inline constexpr std::size_t kMaxKnownNames = 256;

// --- HTTP/2 ---------------------------------------------------------------------------------------------------------

// A worker's connections to one origin. Over it: requests wait for a stream to end.
inline constexpr std::uint32_t kMaxUpstreamConnections = 512;

// Of those, how many are being opened at one time. Over it: the next is opened when one of them is open.
inline constexpr std::uint32_t kMaxOpeningConnections = 4;

// From a failed connection to the next one to its origin: the first pause, and the longest to which the pauses double;
// a random part is subtracted. A request that would wait longer than kReopenPatience fails at once.
inline constexpr Duration kFirstReopenPause{100};
inline constexpr Duration kMaxReopenPause{5000};
inline constexpr Duration kReopenPatience{1000};

// Streams on one connection if the server allows more, and before it has announced how many it allows. Over it: another
// connection.
inline constexpr std::uint32_t kMaxStreamsPerConnection = 250;
inline constexpr std::uint32_t kStreamsBeforeSettings = 8;

// A worker's requests to one origin that wait for a connection. Over it: the stream ends with an error event.
inline constexpr std::uint32_t kMaxWaitingRequests = 1u << 16;

// How often servers may refuse a request unread. At it: the stream ends with an error event. It does not count if a
// connection ends in order and has taken other requests, because then each connection brings them further.
inline constexpr int kMaxRequestRefusals = 3;

// What the server may send of one stream before its receiver has taken it, which is also the most that a paused stream
// holds; and of all streams of a connection before the daemon has read it. Over it: the server waits.
inline constexpr std::uint32_t kUpstreamStreamWindowBytes = 64 * 1024;
inline constexpr std::int32_t kUpstreamConnectionWindowBytes = 1024 * 1024;

// A request's head, as HTTP/2 counts it (RFC 9113, 6.5.2). Over it: it is not sent, and the stream ends with an error
// event.
inline constexpr std::size_t kMaxRequestHeadBytes = 60 * 1024;

// What is given to the kernel at once. The rest follows when that is sent.
inline constexpr std::size_t kUpstreamSendBytes = 64 * 1024;
inline constexpr std::size_t kTlsRecordBytes = 16 * 1024;

// A connection that receives nothing is pinged. One that does not answer is closed, and one that stays without streams.
inline constexpr Duration kUpstreamPingInterval{15'000};
inline constexpr Duration kUpstreamPingTimeout{10'000};
inline constexpr Duration kUpstreamIdleTimeout{120'000};

// How long an origin that speaks HTTP/1.1 is not asked for HTTP/2 again.
inline constexpr Duration kHttp1ForTime{600'000};

// Receive buffers that a worker provides to its ring. A connection that finds none waits for the next turn.
inline constexpr std::uint32_t kStreamBuffers = 64;
inline constexpr std::size_t kStreamBufferBytes = 4096;

// --- HTTP/1.1 -------------------------------------------------------------------------------------------------------

// A worker's connections to one origin that no request uses. Over it: the one that was not used for the longest is closed.
inline constexpr std::size_t kMaxIdleConnections = 256;

// --- Proxies --------------------------------------------------------------------------------------------------------

// What is read at once from a server. Each transfer has a buffer of this size.
inline constexpr long kUpstreamReadBytes = 1024;

// Transfers in one of libcurl's multi handles. Over it: another handle, which takes about 30 KB.
inline constexpr std::size_t kTransfersPerCurlMulti = 256;

// --- Answers --------------------------------------------------------------------------------------------------------

// Redirects that are followed for one request. Over it: the redirect is the answer.
inline constexpr std::uint8_t kMaxRedirects = 3;

// An answer's head. Over it: the request is cancelled, with an error event.
inline constexpr std::size_t kMaxUpstreamHeadBytes = 32 * 1024;

// What is still read of an answer that is complete for its reader, so that its connection can be used again. Over
// either: the connection is closed.
inline constexpr std::size_t kMaxUnreadBytes = 64 * 1024;
inline constexpr Duration kUnreadTimeout{1000};

}  // namespace streaming
