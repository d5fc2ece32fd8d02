// SPDX-License-Identifier: Apache-2.0
// The module reads the state of a TLS connection of OpenSSL, and the daemon's layer goes on with it: whatever has
// happened on the connection before, the client of OpenSSL reads on, and is read.

#include "mod_socket_handoff/tls_trace.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "support/tls_peer.h"
#include "tls/suites.h"

namespace streaming {
namespace {

using handoff_protocol::TlsVersion;
using Received = TlsConnection::Received;

class TlsTraceTest : public testing::TestWithParam<TlsSetup> {
 protected:
  bool is_13() const { return GetParam().version == TlsVersion::k13; }

  static void expect_to_go_on(TlsPeer& client) {
    Daemon daemon(client.server_state());
    EXPECT_EQ(client.read(daemon.seal("event")), "event") << client.error();
    EXPECT_EQ(daemon.receive(client.write("GET /")), Received::kNothing);
    EXPECT_EQ(client.read(daemon.seal_close_notify()), "");
    EXPECT_TRUE(client.has_clean_end()) << client.error();
    EXPECT_EQ(daemon.receive(client.close()), Received::kClosed);
  }
};

INSTANTIATE_TEST_SUITE_P(, TlsTraceTest, testing::ValuesIn(kSuites), name_of);

// TLS 1.2 has a second handshake in place of both.
class Tls13TraceTest : public TlsTraceTest {};
INSTANTIATE_TEST_SUITE_P(, Tls13TraceTest, testing::ValuesIn(kSuites, kSuites + kSuitesOf13), name_of);

TEST_P(TlsTraceTest, GoesOnAfterAnyOrderOfTicketsAnswersAndNewKeys) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    TlsSetup setup = GetParam();
    setup.tickets = random() % 4;
    setup.resumes = random() % 2 == 0;
    TlsPeer client(setup);
    for (std::uint32_t steps = random() % 8; steps > 0; --steps) {
      switch (random() % 5) {
        case 0:
          is_13() ? client.exchange_keys(false) : client.renegotiate();
          break;
        case 1:
          if (is_13()) client.exchange_keys(true);
          client.exchange();  // OpenSSL answers with its own KeyUpdate when it writes
          break;
        case 2:
          if (is_13()) client.server_updates_keys();
          break;
        default:
          client.exchange();
      }
    }
    expect_to_go_on(client);
  }
}

TEST_P(Tls13TraceTest, GoesOnAfterTheClientWasAuthenticatedBehindTheHandshake) {
  TlsPeer client(GetParam());
  client.exchange();
  client.authenticate_client();
  client.exchange();
  expect_to_go_on(client);
}

TEST_P(TlsTraceTest, IsNotReadWithinARecordOfTheClient) {
  for (const std::size_t bytes : {1, 4, 5, 6, 20}) {
    TlsPeer client(GetParam());
    client.exchange();
    const std::string record = client.write("GET / HTTP/1.1\r\n");
    client.server_reads(record.substr(0, bytes));
    EXPECT_EQ(client.why_not(), "OpenSSL has read a part of its client's next TLS record") << bytes << " bytes";
    client.server_reads(record.substr(bytes));
    expect_to_go_on(client);
  }
}

TEST_P(TlsTraceTest, GoesOnWithinARecordOfTheClientWhoseBeginningIsKept) {
  for (const std::size_t bytes : {0, 1, 4, 5, 6, 20}) {
    SCOPED_TRACE(testing::Message() << bytes << " bytes");
    TlsPeer client(GetParam());
    client.exchange();
    const std::string record = client.write("GET / HTTP/1.1\r\n");
    client.server_reads(record.substr(0, bytes));
    std::string cut;
    Daemon daemon(client.server_state(cut));
    EXPECT_EQ(cut, record.substr(0, bytes));
    EXPECT_EQ(client.read(daemon.seal("event")), "event") << client.error();
    EXPECT_EQ(daemon.receive(cut), Received::kNothing);
    EXPECT_EQ(daemon.receive(record.substr(bytes)), Received::kNothing);
    EXPECT_EQ(daemon.receive(client.close()), Received::kClosed);
  }
}

TEST_P(TlsTraceTest, IsNotReadWithinARecordThatIsTooLongToKeep) {
  TlsPeer client(GetParam());
  client.exchange();
  const std::string record = client.write(std::string(2'000, 'x'));
  client.server_reads(record.substr(0, handoff_protocol::kMaxUnusedBytes));
  EXPECT_EQ(client.why_not_with_cut_record(), "");
  client.server_reads(record.substr(handoff_protocol::kMaxUnusedBytes, 1));
  EXPECT_EQ(client.why_not_with_cut_record(), "its client is sending a long TLS record");
  client.server_reads(record.substr(handoff_protocol::kMaxUnusedBytes + 1));
  EXPECT_EQ(client.why_not_with_cut_record(), "");
}

// As if another module had given OpenSSL bytes, or kept some, behind the filter that sees them.
TEST_P(TlsTraceTest, IsNotReadIfOpensslHasReadOtherBytesThanWereSeen) {
  TlsPeer client(GetParam());
  client.exchange();
  client.exchange_unseen();
  EXPECT_EQ(client.why_not_with_cut_record(), "not all of its TLS records were counted");
}

// As if another module had replaced the callback for a while: the next number would be one that is used already.
TEST_P(TlsTraceTest, IsNotReadIfRecordsWereNotCounted) {
  TlsPeer client(GetParam());
  client.exchange();
  client.exchange_uncounted();
  client.exchange();
  EXPECT_EQ(client.why_not(), "not all of its TLS records were counted");
}

TEST_P(Tls13TraceTest, IsNotReadWhileTheClientWaitsForAKeyUpdate) {
  TlsPeer client(GetParam());
  client.exchange_keys(true);
  EXPECT_EQ(client.why_not(), "the keys of its TLS connection are being changed");
}

TEST_P(TlsTraceTest, IsNotReadAfterTheClientHasClosed) {
  TlsPeer client(GetParam());
  client.server_reads(client.close());
  EXPECT_EQ(client.why_not(), "its TLS connection is being closed");
}

TEST_P(TlsTraceTest, IsNotReadIfTheClientTakesOnlyShortRecords) {
  TlsSetup setup = GetParam();
  setup.max_fragment_length = TLSEXT_max_fragment_length_1024;
  EXPECT_EQ(TlsPeer(setup).why_not(), "its client takes only short TLS records");
}

TEST(TlsTrace, IsNotReadAfterMoreKeyUpdatesThanItFollows) {
  TlsPeer client;
  for (int i = 0; i < socket_handoff::TlsTrace::kMaxKeyUpdates; ++i) client.exchange_keys(false);
  EXPECT_EQ(client.why_not(), "");
  client.exchange_keys(false);
  EXPECT_EQ(client.why_not(), "the keys of its TLS connection are not known");
}

TEST(TlsTrace, IsNotReadWithAnotherCipherSuite) {
  for (const TlsSetup& setup : {TlsSetup{.version = TlsVersion::k12, .suite = "ECDHE-ECDSA-AES128-SHA256"},
                                TlsSetup{.version = TlsVersion::k12, .suite = "ECDHE-ECDSA-AES128-CCM"},
                                TlsSetup{.version = TlsVersion::k13, .suite = "TLS_AES_128_CCM_SHA256"}}) {
    EXPECT_EQ(TlsPeer(setup).why_not(), "its cipher suite is neither AES-GCM nor ChaCha20-Poly1305") << setup.suite;
  }
}

TEST(TlsTrace, IsNotReadWithoutItsSecretsOrWithOthersThanTheSuiteHas) {
  for (const char* line : {"CLIENT_TRAFFIC_SECRET_0 00", "CLIENT_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0 00 0g",
                           "CLIENT_TRAFFIC_SECRET_0 00 abc", "SERVER_TRAFFIC_SECRET_0 00 00ff"}) {
    TlsPeer client;
    client.log_key(line);
    EXPECT_EQ(client.why_not(), "the keys of its TLS connection are not known") << line;
  }
  TlsPeer client;
  client.log_key("CLIENT_TRAFFIC_SECRET_0 00 " + std::string(98, 'f'));
  EXPECT_EQ(client.why_not(), "the keys of its TLS connection are not known");
  client.log_key("CLIENT_HANDSHAKE_TRAFFIC_SECRET 00 00");
}

TEST(TlsTrace, KeepsNothingOnceItIsWiped) {
  TlsPeer client;
  client.wipe_trace();
  EXPECT_EQ(client.why_not(), "its TLS handshake is not finished");
}

}  // namespace
}  // namespace streaming
