// SPDX-License-Identifier: Apache-2.0
// Records against OpenSSL: its client goes on with a connection that its server has begun.

#include "tls/tls_connection.h"

#include <gmock/gmock.h>

#include <string>

#include "base/buffer.h"
#include "support/tls_peer.h"
#include "tls/tls_ciphers.h"

namespace streaming {
namespace {

using handoff_protocol::TlsVersion;
using Received = TlsConnection::Received;
using Sealing = TlsConnection::Sealing;

struct Suite {
  TlsVersion version;
  const char* name;
  bool rsa_certificate = false;
};

void PrintTo(const Suite& suite, std::ostream* out) {
  *out << suite.name;
}

constexpr Suite kSuites[] = {
    {TlsVersion::k13, "TLS_AES_128_GCM_SHA256"},
    {TlsVersion::k13, "TLS_AES_256_GCM_SHA384"},
    {TlsVersion::k13, "TLS_CHACHA20_POLY1305_SHA256"},
    {TlsVersion::k12, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {TlsVersion::k12, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {TlsVersion::k12, "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {TlsVersion::k12, "ECDHE-RSA-AES128-GCM-SHA256", true},
    {TlsVersion::k12, "ECDHE-RSA-AES256-GCM-SHA384", true},
    {TlsVersion::k12, "ECDHE-RSA-CHACHA20-POLY1305", true},
    {TlsVersion::k12, "AES128-GCM-SHA256", true},
    {TlsVersion::k12, "AES256-GCM-SHA384", true},
};

std::string sealed(TlsConnection& connection, TlsCiphers& ciphers, std::string_view text) {
  Buffer records;
  EXPECT_EQ(connection.seal(ciphers, text, records), Sealing::kDone);
  return std::string(records.view());
}

std::string closed(TlsConnection& connection, TlsCiphers& ciphers) {
  Buffer records;
  EXPECT_EQ(connection.seal_close_notify(ciphers, records), Sealing::kDone);
  return std::string(records.view());
}

class EachSuite : public testing::TestWithParam<Suite> {
 protected:
  TlsSetup setup() const {
    return {.version = GetParam().version, .suite = GetParam().name, .rsa_certificate = GetParam().rsa_certificate};
  }
  TlsCiphers ciphers_;
};

INSTANTIATE_TEST_SUITE_P(, EachSuite, testing::ValuesIn(kSuites));

TEST_P(EachSuite, GoesOnWhereTheServerOfTheHandshakeHasStopped) {
  for (const std::size_t tickets : {0, 1, 2}) {
    for (const bool resumes : {false, true}) {
      for (const int exchanges : {0, 1, 5}) {
        TlsSetup tried = setup();
        tried.tickets = tickets;
        tried.resumes = resumes;
        tried.exchanges = exchanges;
        TlsPeer client(tried);
        EXPECT_EQ(client.has_resumed(), resumes && (tickets > 0 || tried.version == TlsVersion::k12))
            << tickets << " " << resumes << " " << exchanges;
        TlsConnection connection(client.server_state());
        EXPECT_EQ(client.read(sealed(connection, ciphers_, "event")), "event") << client.error();
        std::string request = client.write("GET /");
        EXPECT_EQ(connection.receive(ciphers_, request), Received::kNothing);
        EXPECT_FALSE(client.has_clean_end());
        client.read(closed(connection, ciphers_));
        EXPECT_TRUE(client.has_clean_end()) << client.error();
        std::string end = client.close();
        EXPECT_EQ(connection.receive(ciphers_, end), Received::kClosed);
      }
    }
  }
}

}  // namespace
}  // namespace streaming
