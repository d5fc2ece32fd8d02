// SPDX-License-Identifier: Apache-2.0
// Every limit of the daemon that is not configuration, by name. What happens when one is reached stands with it.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// --- Hand-off connections -------------------------------------------------------------------------------------------

// Apache's ends that have connected and not yet sent their message, per worker. Over it: the one that has been silent
// longest is closed, so that silent peers do not keep others out; Apache sends its message as soon as it has connected.
inline constexpr std::uint32_t kMaxSilentConnections = 768;

// From a connection to calling its peer silent.
inline constexpr Duration kSilentAfter{2};

// Hand-offs that a worker was given and has not read yet. Over it: others get the next one; where all workers are that
// far behind, nothing is accepted until one has caught up by half, and the listen backlog holds who comes.
inline constexpr std::uint32_t kMaxUnread = 128;

// From one look at whether a worker has caught up to the next.
inline constexpr Duration kBehindPause{1};

// Between two lines of the log about users who may not hand clients over, per worker.
inline constexpr Duration kStrangerComplaintPause{10'000};

// Connections that wait to be accepted. Over it: Apache finds the daemon busy, and tries again. (The kernel lowers it
// to net.core.somaxconn.)
inline constexpr std::uint32_t kListenBacklog = 640;

// Connections that are accepted at one time, each by an operation of its own; over it: in the next turn.
inline constexpr std::uint32_t kAcceptsAtOnce = 64;

// All of Apache's ends, per worker: what the limits above allow, and what is being passed on, answered or closed. Over
// it: nothing is accepted, and what a worker is given nevertheless is closed at once, so that Apache answers its client
// itself.
inline constexpr std::uint32_t kMaxHandoffConnections = kMaxSilentConnections + kMaxUnread + kAcceptsAtOnce + 704;

// From an operation of a hand-off that failed for want of memory to the next try.
inline constexpr Duration kHandoffRetryPause{10};

// From one failed try to accept to the next.
inline constexpr Duration kAcceptRetryPause{50};

// From a refusal to Apache's having read it. Over it: the daemon answers the client itself.
inline constexpr Duration kRefusalReadTimeout{5000};

// Nesting of the payload's JSON. Over it: 400.
inline constexpr std::uint32_t kMaxJsonDepth = 64;

// A header that is configured for requests to an API: its value and its name; and how many there are for one backend.
// Over it: an error at the start.
inline constexpr std::size_t kMaxConfiguredHeaderBytes = 8 * 1024;
inline constexpr std::size_t kMaxHeaderNameBytes = 256;
inline constexpr std::size_t kMaxConfiguredHeaders = 32;

// The payload's user_id, which is kept as long as the user has streams. Over it: 400.
inline constexpr std::size_t kMaxIdBytes = 256;

// A field of the payload that is sent to the API as a header. Over it: 400.
inline constexpr std::size_t kMaxHeaderValueBytes = 4096;

// Receive buffers for the largest message that a worker gives to its ring; a message that finds none waits for the next
// turn, in the order of their coming.
inline constexpr std::uint32_t kReceiveBuffers = 16;

// --- Streams --------------------------------------------------------------------------------------------------------

// Streams beyond max_connections, per worker, that only say that the daemon is full. Over it: the client is closed.
inline constexpr std::uint32_t kMaxRefusals = 256;

// The least peak, in streams, after which memory is given back to the system, and how long after it.
inline constexpr std::uint32_t kTrimAtStreams = 16;
inline constexpr Duration kTrimPause{2000};

// Models, of all backends, whose tokens are counted apart. Over it: together, as "other".
inline constexpr std::size_t kMaxModels = 64;

// What of a hand-off is kept for the log, /streams and the metrics, in bytes: its request_id and user_id each, its
// model, and of what Apache knows the request's id, the client's address and the path. Over it: cut.
inline constexpr std::size_t kMaxKeptIdBytes = kMaxIdBytes;
inline constexpr std::size_t kMaxKeptModelBytes = 128;
inline constexpr std::size_t kMaxKeptApacheIdBytes = 64;
inline constexpr std::size_t kMaxKeptAddressBytes = 64;
inline constexpr std::size_t kMaxKeptPathBytes = 128;

// After the answer's end: how long and how much is read from a client that goes on sending. Over it: closed.
inline constexpr Duration kDrainTimeout{2000};
inline constexpr std::size_t kDrainBytes = 1024 * 1024;

// From the order to end the streams to the end of those that have not, at shutdown or when a worker fails.
inline constexpr Duration kEndTimeout = kDrainTimeout + Duration(1000);

// What an answer's tool calls may hold where the client is to get each input whole (ui-message). Over either: the
// stream ends with an error event.
inline constexpr std::size_t kMaxToolCalls = 128;
inline constexpr std::size_t kMaxToolInputBytes = 1024 * 1024;

// What the kernel takes for a client beyond what is on its way to it. Over it: what is to be sent waits in the stream.
inline constexpr int kClientUnsentBytes = 16 * 1024;

// --- Programs -------------------------------------------------------------------------------------------------------

// From the request to end (SIGTERM) to the end by force. Below what the daemon's own end waits.
inline constexpr Duration kProgramEndTimeout{2000};

// Programs whose output is a text, as fortune's: how many run at once, per worker, how long, and what they print. Over
// any of it: their text is not used.
inline constexpr std::uint32_t kMaxOutputPrograms = 4;
inline constexpr Duration kOutputProgramTimeout{1000};
inline constexpr std::size_t kMaxOutputBytes = 8 * 1024;

// --- Upstream -------------------------------------------------------------------------------------------------------

// From the first try to connect, TLS included. Over it: the stream ends with an error event.
inline constexpr Duration kUpstreamConnectTimeout{10'000};

// From the try of one address of a host to the try of the next, while none has answered (RFC 8305, 5).
inline constexpr Duration kAddressStagger{250};

// Addresses of a host that are tried. The others: never.
inline constexpr std::size_t kMaxAddresses = 8;

// How long a host's addresses are used before they are asked for again, unless its name server says less; and how long
// an error is, and an answer that says less than that.
inline constexpr Duration kResolvedForTime{30'000};
inline constexpr Duration kUnresolvedForTime{1000};

// What a name server may take for its first answer, which doubles with each of the tries.
inline constexpr Duration kNameServerTimeout{2000};
inline constexpr int kNameServerTries = 3;

// Names whose addresses a worker knows or asks for. Over it: those that nobody asks for are forgotten; where there are
// none, the stream ends with an error event.
inline constexpr std::size_t kMaxKnownNames = 256;

// HTTP/2: connections of a worker to one origin. Over it: requests wait for a stream to end.
inline constexpr std::uint32_t kMaxUpstreamConnections = 512;

// Of those, how many are being opened at one time. Over it: the next is opened when one of them is there.
inline constexpr std::uint32_t kMaxOpeningConnections = 4;

// From a connection of no use to the next one to its origin: at first, and the most that doubling pauses come to, less a
// part by chance. A request that would wait longer than the patience fails at once.
inline constexpr Duration kFirstReopenPause{100};
inline constexpr Duration kMaxReopenPause{5000};
inline constexpr Duration kReopenPatience{1000};

// Streams that one connection carries, where the server allows more; and before it has said how many it allows. Over
// it: another connection.
inline constexpr std::uint32_t kMaxStreamsPerConnection = 250;
inline constexpr std::uint32_t kStreamsBeforeSettings = 8;

// Requests of a worker to one origin that wait for a connection. Over it: the stream ends with an error event.
inline constexpr std::uint32_t kMaxWaitingRequests = 1u << 16;

// How often a request that a server refuses unread is given to a connection. Over it: the stream ends with an error
// event.
inline constexpr int kMaxRequestAttempts = 3;

// What the server may send of one stream before its receiver has taken it, which is what a paused one holds at most;
// and of all streams of a connection before the daemon has read it. Over it: the server waits.
inline constexpr std::uint32_t kUpstreamStreamWindowBytes = 64 * 1024;
inline constexpr std::int32_t kUpstreamConnectionWindowBytes = 1024 * 1024;

// A request's head, as HTTP/2 counts it (RFC 9113, 6.5.2). Over it: it is not sent, and the stream ends with an error
// event.
inline constexpr std::size_t kMaxRequestHeadBytes = 60 * 1024;

// Redirects that are followed for one request. Over it: they are an answer as any other.
inline constexpr std::uint8_t kMaxRedirects = 3;

// An answer's head. Over it: the request is cancelled, with an error event.
inline constexpr std::size_t kMaxUpstreamHeadBytes = 32 * 1024;

// What is given to the kernel at once of what is to be sent. The rest follows when that is sent.
inline constexpr std::size_t kUpstreamSendBytes = 64 * 1024;
inline constexpr std::size_t kTlsRecordBytes = 16 * 1024;

// A connection from which nothing comes is pinged; one that does not answer, and one without streams, are closed.
inline constexpr Duration kUpstreamPingInterval{15'000};
inline constexpr Duration kUpstreamPingTimeout{10'000};
inline constexpr Duration kUpstreamIdleTimeout{120'000};

// How long an origin that speaks HTTP/1.1 is not asked for HTTP/2 again.
inline constexpr Duration kHttp1ForTime{600'000};

// What a worker's ring receives HTTP/2 into; a connection that finds no buffer waits for the next turn.
inline constexpr std::uint32_t kStreamBuffers = 64;
inline constexpr std::size_t kStreamBufferBytes = 4096;

// What is read at once from an upstream by HTTP/1.1. Each transfer has a buffer of this size.
inline constexpr long kUpstreamReadBytes = 1024;

// Transfers by HTTP/1.1 in one of libcurl's multi handles. Over it: another handle, which takes some 30 KB.
inline constexpr std::size_t kTransfersPerCurlMulti = 256;

// What is still read of an answer that has said all, for the sake of its connection. Over either: the connection is
// closed.
inline constexpr std::size_t kMaxUnreadBytes = 64 * 1024;
inline constexpr Duration kUnreadTimeout{1000};

// What the events hold together that have come in part, of a worker's streams from one backend; those up to the first
// figure are not counted. Over it: the stream whose event has grown last ends with an error event.
inline constexpr std::size_t kUncountedEventBytes = 64 * 1024;
inline constexpr std::size_t kMaxHeldEventBytes = 64 * 1024 * 1024;

// From a failed try of an upstream to its first repetition, and the most that growing pauses, or the upstream's own
// wish, may come to. An upstream that asks for more is not tried again.
inline constexpr Duration kFirstRetryPause{500};
inline constexpr Duration kMaxRetryPause{8000};

// Messages that one run of LangGraph may put together step by step. Over it: the stream ends with an error event. Also
// the texts of a response that are told apart; over it, those that come whole alone are left out.
inline constexpr std::size_t kMaxRunParts = 1024;

// The id of a thread, which the hand-off gives. Over it: 400.
inline constexpr std::size_t kMaxThreadIdBytes = 128;

// Of an API's answer, what waits to be typed (typing.use_api). Over it: it is said at once.
inline constexpr std::size_t kMaxUntypedBytes = 64 * 1024;

// Places in a hand-off's texts that ask for attachments. Over it: 400.
inline constexpr std::size_t kMaxAttachmentUses = 1000;

// Threads that a worker remembers to have made, so that it need not ask each time; a newer one takes an older one's
// place.
inline constexpr std::size_t kKnownThreads = 4096;

// Runs that are being cancelled because their clients have left, per worker. Over it: not cancelled.
inline constexpr std::size_t kMaxRunCancellations = 256;

// From a stream's end to the end of what a backend still has to tell its API because of it. Over it: not told.
inline constexpr Duration kGoodbyeTimeout{2000};

// The longest that an upstream may ask to be left alone, in seconds; beyond it its word is not taken.
inline constexpr int kMaxRetryAfterSeconds = 24 * 3600;

// Descriptors for all else but clients: libraries, the log, what a worker waits on.
inline constexpr std::uint64_t kProcessFiles = 256;

// --- Monitor ---------------------------------------------------------------------------------------------------------

// A worker's answer to the monitor. Over it: it counts as dead, and its streams are not listed.
inline constexpr Duration kWorkerAnswerTimeout{1000};

// Requests that are read and answered at one time, each by a thread; and from a connection to its request. Over the
// first: they wait. Over the second: closed, so that connections that ask for nothing hold up nobody for long.
inline constexpr int kMonitorThreads = 8;
inline constexpr Duration kMonitorRequestTimeout{2000};

// Streams that /streams lists, per worker. Over it: left out.
inline constexpr std::size_t kMostListedStreams = 1000;

// From one try to serve metrics to the next, as long as another process has the port.
inline constexpr Duration kMonitorRetryPause{500};

// --- Log -------------------------------------------------------------------------------------------------------------

// Lines that wait to be written. Over it: lost, and counted.
inline constexpr std::size_t kMaxLogBytes = 1024 * 1024;

// For how long lines gather before they are written together.
inline constexpr Duration kLogPause{5};

// How long the daemon's end waits for whoever reads the log. Over it: what waits is lost.
inline constexpr Duration kLogEndTimeout{500};

// --- Ring -----------------------------------------------------------------------------------------------------------

inline constexpr std::uint32_t kSubmissionEntries = 4096;
// Several submissions' completions can gather before they are read.
inline constexpr std::uint32_t kCompletionEntries = 4 * kSubmissionEntries;

// How late a worker's turn may come before the worker counts as having stood still; the rest of the delay then counts
// for no timer. And in how many rounds at most it takes what has completed meanwhile before the first timer fires.
inline constexpr Duration kLateTurn{250};
inline constexpr int kCatchUpRounds = 64;

// For how long a worker waits for completions alone where the kernel has no memory for more operations.
inline constexpr Duration kNoMemoryPause{1};

}  // namespace streaming
