// SPDX-License-Identifier: Apache-2.0
// The hand-off protocol: what mod_socket_handoff and streaming-daemon must agree on.
//
// One hand-off is one message over a Unix socket, SOCK_SEQPACKET or SOCK_STREAM: the client's descriptor as SCM_RIGHTS
// and the payload as data, both or neither. connection_part.h has what may stand in front of the payload. Constants
// alone, no state: any thread, any time. docs/PROTOCOL.md has the prose.

#pragma once

#include <cstddef>

namespace handoff_protocol {

// Response headers by which a handler asks for a hand-off. None of them ever reaches the client, nor any other whose
// name begins as kDataHeader does.
inline constexpr char kSocketHeader[] = "X-Socket-Handoff";  // path of the daemon's socket
inline constexpr char kDataHeader[] = "X-Handoff-Data";      // the payload, a JSON object on one line

inline constexpr char kDataSourceHeader[] = "X-Handoff-Data-Source";  // kBodySource: the payload is the response's body
inline constexpr char kBodySource[] = "body";

// Where the daemon listens unless it is told otherwise.
inline constexpr char kDefaultSocketPath[] = "/run/streaming-daemon.sock";

// The payload of a hand-off that carries none: a message must not be empty, or it would look like the end of file.
inline constexpr char kNoPayload = '\0';

// The largest payload in the message itself, in bytes.
inline constexpr std::size_t kMaxInlinePayloadBytes = 128 * 1024;

// The largest payload at all. One that is too large for the message goes in a sealed memfd: the message is kNoPayload,
// and brings the memfd as a second descriptor.
inline constexpr std::size_t kMaxPayloadBytes = 64 * 1024 * 1024;

// The daemon's answer on the hand-off connection, sent before its first byte to the client.
inline constexpr char kAccepted = 'A';  // alone; of a reservation also followed by kRelayOnly
inline constexpr char kRefused = 'R';   // followed by {"status":503,"retry_after":3,"connection":1}

// What may follow kAccepted if it answers a reservation: the client must come as one end of a socket pair.
inline constexpr char kRelayOnly[] = "{\"relay\":true}";

// In a refusal: the newest version of the connection part (connection_part.h) that the daemon knows. Missing: none.
inline constexpr char kKnownConnectionVersion[] = "connection";

}  // namespace handoff_protocol
