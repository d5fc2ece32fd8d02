// SPDX-License-Identifier: Apache-2.0
// The connection part of a hand-off's message: what the client's connection is, if it is more than a TCP connection.
//
// It stands in front of the payload. All numbers in it are big-endian:
//
//   0   kConnectionMark
//   1   kConnectionVersion
//   2   2 bytes: length of the whole part, these four bytes included
//   4   sections: 1 byte kind, 1 byte 0, 2 bytes length of the content, the content
//
// There is one kind of section yet, kTlsSection (RFC 8446, RFC 5246, RFC 5288, RFC 7905). Its content:
//
//   0   2 bytes: TlsVersion
//   2   2 bytes: Aead
//   4   the client's direction, then the server's: 8 bytes sequence number of the next record, the key, the IV
//       for TLS 1.3 both traffic secrets, the client's first
//
// Pure functions and values without a thread of their own. A TlsState wipes its secrets when it is destroyed.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/handoff_protocol.h"

namespace handoff_protocol {

// The first byte of a message with a connection part. No JSON text begins with it, and it is not kNoPayload: a daemon
// that knows no connection parts refuses the message with 400, because its payload is not JSON.
inline constexpr std::uint8_t kConnectionMark = 0x01;
inline constexpr std::uint8_t kConnectionVersion = 1;
inline constexpr std::size_t kConnectionHeaderBytes = 4;

// The longest part. A longer one is malformed.
inline constexpr std::size_t kMaxConnectionPartBytes = 512;

// The largest message on SOCK_SEQPACKET.
inline constexpr std::size_t kMaxMessageBytes = kMaxConnectionPartBytes + kMaxInlinePayloadBytes;

inline constexpr std::uint8_t kTlsSection = 1;

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

// Writes the part into `part` and returns its length.
std::size_t write_connection_part(const TlsState& tls, std::span<std::uint8_t, kMaxConnectionPartBytes> part);

enum class ConnectionPartProblem {
  kNone,
  kIncomplete,      // more of the message must come
  kMalformed,
  kUnknownVersion,  // of the part, of TLS, or an AEAD or section that is not known
};

struct ConnectionPart {
  ConnectionPartProblem problem = ConnectionPartProblem::kNone;
  std::size_t bytes = 0;  // its length; what follows it is the payload
  TlsState tls;
};

// Whether the message begins with a connection part.
inline bool has_connection_part(std::span<const std::uint8_t> message) {
  return !message.empty() && message[0] == kConnectionMark;
}

// Reads the part that `message` begins with, which is hostile. `message` may be longer than the part.
ConnectionPart read_connection_part(std::span<const std::uint8_t> message);

}  // namespace handoff_protocol
