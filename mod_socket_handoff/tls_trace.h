// SPDX-License-Identifier: Apache-2.0
// What OpenSSL's callbacks show of a server's TLS connection: the traffic secrets of TLS 1.3, how many records each side
// has sent with its present keys, and how often it has changed them. With what OpenSSL reports when it is asked, that is
// all that a daemon needs to go on with the connection. Pure: knows nothing of httpd.
//
// One for each client over TLS, in the connection's pool, from before the handshake on. On the Apache thread that serves
// the connection.

#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "mod_socket_handoff/cut_record.h"
#include "mod_socket_handoff/verdict.h"
#include "protocol/connection_part.h"

namespace socket_handoff {

class TlsTrace {
 public:
  enum class Sender { kClient, kServer };

  // More key updates of one side are not followed, because each costs the hand-off a derivation.
  static constexpr std::uint8_t kMaxKeyUpdates = 32;

  // Sets the connection's message callback, which borrows this: call it before the handshake.
  void watch(SSL* ssl);

  // A line of the connection's key log: "LABEL RANDOM SECRET", in hexadecimal digits.
  void on_key_log_line(std::string_view line);

  // How many records this side has sent with its keys, which is the sequence number of its next one.
  std::uint64_t records(Sender sender) const { return sender == Sender::kClient ? client_.records : server_.records; }

  // Whether all is known that it takes to go on with the connection, which is then written to `tls`. `ssl` is the
  // connection that is watched. It must stand between two records; or, if `cut` has taken all that OpenSSL was given,
  // within a record of the client whose bytes `cut` has.
  Verdict read(const SSL* ssl, handoff_protocol::TlsState& tls, const CutRecord* cut = nullptr) const;

  void wipe();

 private:
  struct Direction {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;                // of all records since watch(), by their headers
    std::array<std::uint8_t, 48> secret{};  // the first one: key updates are only counted
    std::uint8_t secret_bytes = 0;          // 0: unknown
    std::uint8_t key_updates = 0;           // at most kMaxKeyUpdates + 1, which is too many
    bool has_keys = false;                  // the handshake's last message was sent: `records` counts from there
  };

  static void on_record(Direction& sent, std::span<const std::uint8_t> header, bool is_13);
  static void on_message(int is_written, int version, int content_type, const void* message, std::size_t bytes,
                         SSL* ssl, void* trace);
  static void on_handshake_message(Direction& sent, int type);
  static bool write_keys(const Direction& sent, handoff_protocol::Aead aead, handoff_protocol::TlsDirection& into);

  bool has_counted_all(const SSL* ssl, const CutRecord* cut) const;
  Verdict examine(const SSL* ssl, handoff_protocol::TlsState& tls, const CutRecord* cut) const;
  bool write_keys(const SSL* ssl, handoff_protocol::TlsState& tls) const;

  Direction client_;
  Direction server_;
};
static_assert(sizeof(TlsTrace) <= 144);  // each TLS connection has one, handed over or not

}  // namespace socket_handoff
