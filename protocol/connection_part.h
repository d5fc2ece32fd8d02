// SPDX-License-Identifier: Apache-2.0
// The connection part of a message: what the client's connection is, if it is more than a TCP connection that carries
// HTTP/1.x, and what the message is for, if it does not bring the client yet.
//
// It stands in front of the payload. All numbers in it are big-endian:
//
//   0   kConnectionMark
//   1   the part's version: 1 with nothing but a TLS section, otherwise 2
//   2   2 bytes: length of the whole part, these four bytes included
//   4   sections: 1 byte kind, 1 byte 0, 2 bytes length of the content, the content
//
// The sections, in the order of their kinds, each at most once:
//
//   1, TLS (RFC 8446, RFC 5246, RFC 5288, RFC 7905)
//       2 bytes: TlsVersion
//       2 bytes: Aead
//       the client's direction, then the server's: 8 bytes sequence number of the next record, the key, the IV
//       for TLS 1.3 both traffic secrets, the client's first
//   2, HTTP/2 (RFC 9113)
//       4 bytes each: the members of Http2State, in their order
//       the frames that Apache has received and not used, from the start of a frame on; the last one may be cut
//   3, records: the TLS records that Apache has received and not opened, from the start of a record on; the last one may
//      be cut. Only after a TLS section
//   4, reservation: empty, and the only section. The message has a payload and no client, who comes with the next
//      message, or not at all
//
// Pure functions and values without a thread of their own. A TlsState wipes its secrets when it is destroyed.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/handoff_protocol.h"

namespace handoff_protocol {

// The first byte of a message with a connection part. No JSON text begins with it, and it is not kNoPayload: a daemon
// that knows no connection parts refuses the message with 400, because its payload is not JSON.
inline constexpr std::uint8_t kConnectionMark = 0x01;
// The newest version of the part. Daemons of version 1 know only parts that have nothing but a TLS section.
inline constexpr std::uint8_t kConnectionVersion = 2;
inline constexpr std::uint8_t kTlsOnlyConnectionVersion = 1;
inline constexpr std::size_t kConnectionHeaderBytes = 4;

// The longest part. A longer one is malformed.
inline constexpr std::size_t kMaxConnectionPartBytes = 3072;

// The most bytes that Apache may have received and not used: of frames, and of records. A connection with more of them
// stays with Apache.
inline constexpr std::size_t kMaxUnusedBytes = 1024;

// The largest message on SOCK_SEQPACKET.
inline constexpr std::size_t kMaxMessageBytes = kMaxConnectionPartBytes + kMaxInlinePayloadBytes;

// As records name them.
enum class TlsVersion : std::uint16_t { k12 = 0x0303, k13 = 0x0304 };

// IANA's numbers of AEAD algorithms (RFC 5116), because the record layer of TLS 1.2 does not depend on the rest of the
// cipher suite, and that of TLS 1.3 has the hash of its AEAD's only suite.
enum class Aead : std::uint16_t { kAes128Gcm = 1, kAes256Gcm = 2, kChaCha20Poly1305 = 29 };

// Lengths in bytes.
std::size_t key_bytes(Aead aead);
std::size_t iv_bytes(TlsVersion version, Aead aead);
std::size_t secret_bytes(TlsVersion version, Aead aead);  // 0 with TLS 1.2

// What protects the records that one side sends. Only the first key_bytes(), iv_bytes() and secret_bytes() are used.
struct TlsDirection {
  std::uint64_t sequence = 0;  // of the next record
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 12> iv{};
  std::array<std::uint8_t, 48> secret{};

  bool operator==(const TlsDirection&) const = default;
};

// A TLS connection between two records.
struct TlsState {
  TlsState() = default;
  TlsState(const TlsState&) = default;
  TlsState& operator=(const TlsState&) = default;
  ~TlsState();

  bool operator==(const TlsState&) const = default;

  TlsVersion version = TlsVersion::k13;
  Aead aead = Aead::kAes128Gcm;
  TlsDirection from_client;
  TlsDirection to_client;
};

// An HTTP/2 connection on which one stream is open, whose request is complete and whose response has not begun.
struct Http2State {
  std::uint32_t stream = 0;          // odd
  std::uint32_t highest_stream = 0;  // that the client has opened, without `frames`; odd, and not below `stream`
  // How many bytes of DATA may be sent. SETTINGS can make the stream's window negative.
  std::int32_t connection_window = 0;
  std::int32_t stream_window = 0;
  // The client's SETTINGS_INITIAL_WINDOW_SIZE: a later change of it changes the stream's window by the difference.
  std::int32_t initial_window = 0;
  std::uint32_t max_frame_bytes = 0;  // the client's SETTINGS_MAX_FRAME_SIZE; from 2^14 to 2^24 - 1

  bool operator==(const Http2State&) const = default;
};

// A client's connection as a part describes it; one without any member is a TCP connection. Borrows the unused bytes.
struct ConnectionState {
  std::optional<TlsState> tls = {};
  std::optional<Http2State> http2 = {};
  std::span<const std::uint8_t> frames = {};   // received and not used; at most kMaxUnusedBytes; none without `http2`
  std::span<const std::uint8_t> records = {};  // likewise; none without `tls`
};

// Writes the part of a client into `part` and returns its length. The state must have a member.
std::size_t write_connection_part(const ConnectionState& connection,
                                  std::span<std::uint8_t, kMaxConnectionPartBytes> part);

// The part of a reservation.
inline constexpr std::array<std::uint8_t, 8> kReservationPart{kConnectionMark, kConnectionVersion, 0, 8, 4, 0, 0, 0};

enum class ConnectionPartProblem {
  kNone,
  kIncomplete,      // more of the message must come
  kMalformed,
  kUnknownVersion,  // of the part, of TLS, or an AEAD or section that is not known
};

struct ConnectionPart {
  ConnectionPartProblem problem = ConnectionPartProblem::kNone;
  std::size_t bytes = 0;        // its length; what follows it is the payload
  bool is_reservation = false;  // there is no client yet
  ConnectionState connection;   // borrows from the message
};

// Whether the message begins with a connection part.
inline bool has_connection_part(std::span<const std::uint8_t> message) {
  return !message.empty() && message[0] == kConnectionMark;
}

// Reads the part that `message` begins with, which is hostile. `message` may be longer than the part.
ConnectionPart read_connection_part(std::span<const std::uint8_t> message);

}  // namespace handoff_protocol
