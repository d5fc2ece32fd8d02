// SPDX-License-Identifier: Apache-2.0
// The cipher suites whose connections are handed over, for tests with one case for each; and shorter calls of a
// TlsConnection.

#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "support/tls_peer.h"
#include "tls/tls_ciphers.h"
#include "tls/tls_connection.h"

namespace streaming {

// Those of each key exchange that OpenSSL 3 still has by default, and of each AEAD.
inline const TlsSetup kSuites[] = {
    {.version = handoff_protocol::TlsVersion::k13, .suite = "TLS_AES_128_GCM_SHA256"},
    {.version = handoff_protocol::TlsVersion::k13, .suite = "TLS_AES_256_GCM_SHA384"},
    {.version = handoff_protocol::TlsVersion::k13, .suite = "TLS_CHACHA20_POLY1305_SHA256"},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .rsa_certificate = true},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "ECDHE-RSA-AES256-GCM-SHA384", .rsa_certificate = true},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "ECDHE-RSA-CHACHA20-POLY1305", .rsa_certificate = true},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "AES128-GCM-SHA256", .rsa_certificate = true},
    {.version = handoff_protocol::TlsVersion::k12, .suite = "AES256-GCM-SHA384", .rsa_certificate = true},
};

// Those of TLS 1.3, which are the first.
inline constexpr std::size_t kSuitesOf13 = 3;

inline void PrintTo(const TlsSetup& setup, std::ostream* out) {
  *out << setup.suite;
}

inline std::string name_of(const testing::TestParamInfo<TlsSetup>& suite) {
  std::string name = suite.param.suite;
  for (char& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
}

// A connection and its worker's ciphers.
struct Daemon {
  explicit Daemon(const handoff_protocol::TlsState& state) : connection(state) {}

  std::string seal(std::string_view text) {
    Buffer records;
    EXPECT_EQ(connection.seal(ciphers, text, records), TlsConnection::Sealing::kDone);
    return std::string(records.view());
  }
  std::string seal_close_notify() {
    Buffer records;
    EXPECT_EQ(connection.seal_close_notify(ciphers, records), TlsConnection::Sealing::kDone);
    return std::string(records.view());
  }
  std::string seal_fatal_alert() {
    Buffer records;
    EXPECT_EQ(connection.seal_fatal_alert(ciphers, records), TlsConnection::Sealing::kDone);
    return std::string(records.view());
  }
  // A copy, because it is opened in place.
  TlsConnection::Received receive(std::string bytes) { return connection.receive(ciphers, bytes); }

  TlsCiphers ciphers;
  TlsConnection connection;
};

}  // namespace streaming
