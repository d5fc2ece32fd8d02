// SPDX-License-Identifier: Apache-2.0
// CutRecord: follows the bytes of TLS that a client sends, and keeps what has come of a record whose end is still to
// come. OpenSSL has these bytes too, and does not give them out. Pure.
//
// One for each HTTP/2 connection over TLS of a server that hands them over, in the connection's pool, on the thread that
// serves the connection.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mod_socket_handoff/unused_bytes.h"

namespace socket_handoff {

class CutRecord {
 public:
  // Takes what the client sends next.
  void take(std::span<const std::uint8_t> bytes);

  // All that was taken since the connection's beginning.
  std::uint64_t taken_bytes() const { return taken_bytes_; }

  // What has come of the record; valid until the next call. Nothing between two records.
  std::span<const std::uint8_t> bytes() const { return bytes_.bytes(); }
  // False if more has come than is kept.
  bool is_complete() const { return bytes_.is_complete(); }
  // How long it will be; 0 as long as its header is cut too.
  std::size_t record_bytes() const { return has_header() ? kHeaderBytes + payload_bytes() : 0; }

 private:
  static constexpr std::size_t kHeaderBytes = 5;

  bool has_header() const { return bytes().size() >= kHeaderBytes; }
  std::size_t payload_bytes() const { return std::size_t{bytes()[3]} << 8 | bytes()[4]; }
  std::size_t take_of_header(std::span<const std::uint8_t> bytes);
  std::size_t take_of_payload(std::span<const std::uint8_t> bytes);

  std::uint64_t taken_bytes_ = 0;
  std::size_t left_bytes_ = 0;  // of the payload, once there is a header
  UnusedBytes bytes_;
};

}  // namespace socket_handoff
