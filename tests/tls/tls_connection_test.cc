// SPDX-License-Identifier: Apache-2.0
// Records against OpenSSL: its client goes on with a connection that its server has begun.

#include "tls/tls_connection.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <string>

#include "tls/limits.h"
#include "tls/suites.h"

namespace streaming {
namespace {

using handoff_protocol::Aead;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;
using Received = TlsConnection::Received;
using Sealing = TlsConnection::Sealing;

class EachSuite : public testing::TestWithParam<TlsSetup> {};

INSTANTIATE_TEST_SUITE_P(, EachSuite, testing::ValuesIn(kSuites), name_of);

TEST_P(EachSuite, GoesOnWhereTheServerOfTheHandshakeHasStopped) {
  for (const std::size_t tickets : {0, 2}) {
    for (const bool resumes : {false, true}) {
      for (const int exchanges : {0, 1, 5}) {
        SCOPED_TRACE(testing::Message() << tickets << " tickets, " << exchanges << " exchanges, resumes: " << resumes);
        TlsSetup setup = GetParam();
        setup.tickets = tickets;
        setup.resumes = resumes;
        setup.exchanges = exchanges;
        TlsPeer client(setup);
        // TLS 1.2 also resumes by a session's number.
        EXPECT_EQ(client.has_resumed(), resumes && (tickets > 0 || setup.version == TlsVersion::k12));
        Daemon daemon(client.server_state());
        EXPECT_EQ(client.read(daemon.seal("event")), "event") << client.error();
        EXPECT_EQ(daemon.receive(client.write("GET /")), Received::kNothing);
      }
    }
  }
}

TEST_P(EachSuite, EndsWithCloseNotifyOfEitherSide) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  std::string records = daemon.seal("last event");
  records += daemon.seal_close_notify();
  EXPECT_EQ(client.read(records), "last event");
  EXPECT_TRUE(client.has_clean_end()) << client.error();
  EXPECT_EQ(daemon.receive(client.close()), Received::kClosed);
}

TEST_P(EachSuite, IsCutForTheClientWithoutCloseNotify) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  EXPECT_EQ(client.read(daemon.seal("event")), "event");
  client.end_of_file();
  EXPECT_FALSE(client.has_clean_end());
  EXPECT_EQ(client.error(), "unexpected eof while reading");
}

TEST_P(EachSuite, SealsTextOfAnyLengthInRecordsOfItsLargestSize) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  std::string records = daemon.seal("x");
  const std::size_t overhead = records.size() - 1;
  EXPECT_EQ(client.read(records), "x");
  for (const std::size_t bytes : {std::size_t{1}, kMaxRecordText - 1, kMaxRecordText, kMaxRecordText + 1,
                                  2 * kMaxRecordText, 2 * kMaxRecordText + 1, std::size_t{100'000}}) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 31 >> 3);
    records = daemon.seal(text);
    EXPECT_EQ(records.size(), bytes + (bytes + kMaxRecordText - 1) / kMaxRecordText * overhead);
    EXPECT_EQ(client.read(records), text) << bytes << " " << client.error();
  }
  EXPECT_EQ(daemon.seal(""), "");
}

TEST_P(EachSuite, TellsTheClientByAnAlertThatItsRecordCouldNotBeOpened) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  std::string record = client.write("GET /");
  record.back() ^= 1;
  EXPECT_EQ(daemon.receive(record), Received::kMalformed);
  client.read(daemon.seal_fatal_alert());
  EXPECT_EQ(client.error(), "sslv3 alert bad record mac");
  EXPECT_FALSE(client.has_clean_end());
}

// --- KeyUpdates -----------------------------------------------------------------------------------------------------

class EachSuiteOfTls13 : public EachSuite {};

INSTANTIATE_TEST_SUITE_P(, EachSuiteOfTls13, testing::ValuesIn(kSuites, kSuites + 3), name_of);

TEST_P(EachSuiteOfTls13, FollowsTheClientsKeysAndAnswersARequestBeforeItsNextText) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  std::string records = client.update_keys(true);
  records += client.write("under the next key");
  EXPECT_EQ(daemon.receive(records), Received::kNothing);
  EXPECT_TRUE(daemon.connection.has_to_answer());
  EXPECT_EQ(client.read(daemon.seal("event")), "event") << client.error();
  EXPECT_FALSE(daemon.connection.has_to_answer());
  EXPECT_EQ(client.read(daemon.seal("another event")), "another event") << client.error();
  EXPECT_EQ(daemon.receive(client.write("still there")), Received::kNothing);
}

TEST_P(EachSuiteOfTls13, AnswersARequestWithoutTextAlone) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  daemon.receive(client.update_keys(true));
  const std::string answer = daemon.seal("");
  EXPECT_EQ(answer.size(), 5 + 5 + 1 + TlsCiphers::kTagBytes);
  EXPECT_EQ(client.read(answer), "");
  EXPECT_EQ(daemon.seal(""), "");
  EXPECT_EQ(client.read(daemon.seal("event")), "event") << client.error();
}

TEST_P(EachSuiteOfTls13, OwesNoAnswerToAKeyUpdateThatRequestsNone) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  EXPECT_EQ(daemon.receive(client.update_keys(false)), Received::kNothing);
  EXPECT_EQ(daemon.receive(client.write("text")), Received::kNothing);
  EXPECT_FALSE(daemon.connection.has_to_answer());
  EXPECT_EQ(daemon.seal(""), "");
}

TEST_P(EachSuiteOfTls13, AnswersSeveralRequestsAtOnce) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  std::string requests;
  for (int i = 0; i < 3; ++i) requests += client.update_keys(true);
  EXPECT_EQ(daemon.receive(requests + client.write("text")), Received::kNothing);
  EXPECT_EQ(daemon.seal("").size(), 5 + 5 + 1 + TlsCiphers::kTagBytes);
  EXPECT_FALSE(daemon.connection.has_to_answer());
}

TEST_P(EachSuiteOfTls13, OwesNoAnswerBehindItsOwnEnd) {
  TlsPeer client(GetParam());
  Daemon daemon(client.server_state());
  client.read(daemon.seal_close_notify());
  EXPECT_EQ(daemon.receive(client.update_keys(true)), Received::kNothing);
  EXPECT_FALSE(daemon.connection.has_to_answer());
}

// --- Limits ---------------------------------------------------------------------------------------------------------

constexpr Aead kAeads[] = {Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305};

TlsState state_at(TlsVersion version, Aead aead, std::uint64_t sequence) {
  TlsState state;
  state.version = version;
  state.aead = aead;
  state.to_client.sequence = sequence;
  state.to_client.key.fill(1);
  state.to_client.iv.fill(2);
  state.to_client.secret.fill(3);
  return state;
}

// Who reads what is sealed.
TlsState other_side(const TlsState& state) {
  TlsState other = state;
  std::swap(other.from_client, other.to_client);
  return other;
}

TEST(RecordsOfOneKey, EndWithAKeyUpdateInTls13) {
  for (const Aead aead : kAeads) {
    const TlsState state = state_at(TlsVersion::k13, aead, kMaxRecordsPerKey - 1);
    Daemon daemon(state), reader(other_side(state));
    const std::string last = daemon.seal("x");
    const std::string next = daemon.seal("x");
    EXPECT_EQ(next.size(), last.size() + 5 + 5 + 1 + TlsCiphers::kTagBytes);
    EXPECT_EQ(daemon.seal("x").size(), last.size());
    EXPECT_EQ(reader.receive(last + next), Received::kNothing);
    EXPECT_FALSE(reader.connection.has_to_answer());
  }
}

TEST(RecordsOfOneKey, EndTheTextInTls12ButForCloseNotify) {
  for (const Aead aead : kAeads) {
    const TlsState state = state_at(TlsVersion::k12, aead, kMaxRecordsPerKey - 1);
    Daemon daemon(state), reader(other_side(state));
    EXPECT_EQ(reader.receive(daemon.seal("x")), Received::kNothing);
    Buffer records;
    EXPECT_EQ(daemon.connection.seal(daemon.ciphers, "x", records), Sealing::kExhausted);
    EXPECT_TRUE(records.empty());
    EXPECT_EQ(reader.receive(daemon.seal_close_notify()), Received::kClosed);
  }
}

TEST(SequenceNumber, NeverWraps) {
  for (const TlsVersion version : {TlsVersion::k12, TlsVersion::k13}) {
    const TlsState state = state_at(version, Aead::kAes128Gcm, UINT64_MAX);
    Daemon daemon(state);
    Buffer records;
    EXPECT_EQ(daemon.connection.seal(daemon.ciphers, "x", records), Sealing::kExhausted);
    EXPECT_EQ(daemon.connection.seal_close_notify(daemon.ciphers, records), Sealing::kExhausted);
    EXPECT_TRUE(records.empty());
    EXPECT_EQ(Daemon(other_side(state)).receive(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x')),
              Received::kMalformed);
  }
}

// --- Memory ---------------------------------------------------------------------------------------------------------

TEST(TlsConnectionsMemory, HasNoKeysAnyMoreWhenItIsDestroyed) {
  const TlsState state = state_at(TlsVersion::k13, Aead::kAes256Gcm, 7);
  alignas(TlsConnection) std::array<char, sizeof(TlsConnection)> memory;
  const auto count = [&](char byte) { return std::count(memory.begin(), memory.end(), byte); };
  memory.fill(0);
  auto* connection = ::new (memory.data()) TlsConnection(state);
  EXPECT_GE(count(1), 32);
  EXPECT_GE(count(2), 12);
  EXPECT_GE(count(3), 48);
  connection->~TlsConnection();
  EXPECT_LT(count(1) + count(2) + count(3), 4);
}

}  // namespace
}  // namespace streaming
