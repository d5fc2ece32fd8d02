// SPDX-License-Identifier: Apache-2.0
// What a client may send that OpenSSL's would not: records of each kind, sealed with the client's true keys, and bytes
// that are no record.

#include <gmock/gmock.h>

#include <array>
#include <string>
#include <string_view>

#include "support/hostile_tls_client.h"
#include "tls/limits.h"
#include "tls/suites.h"

namespace streaming {
namespace {

using handoff_protocol::Aead;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;
using namespace std::string_literals;
using Client = HostileTlsClient;
using Received = TlsConnection::Received;

constexpr int kChangeCipherSpec = 20, kAlert = 21, kHandshake = 22, kData = 23, kHeartbeat = 24;

TlsState state_of(TlsVersion version, Aead aead) {
  TlsState state;
  state.version = version;
  state.aead = aead;
  state.from_client.key.fill(1);
  state.from_client.iv.fill(2);
  state.from_client.secret.fill(3);
  return state;
}

const TlsState k12 = state_of(TlsVersion::k12, Aead::kAes128Gcm);
const TlsState k13 = state_of(TlsVersion::k13, Aead::kAes128Gcm);

// What a daemon makes of the only record that a client sends.
Received received(const TlsState& state, int type, std::string_view text) {
  return Daemon(state).receive(Client(state).record(type, text));
}

class EachProtection : public testing::TestWithParam<std::tuple<TlsVersion, Aead>> {
 protected:
  const TlsState state_ = state_of(std::get<0>(GetParam()), std::get<1>(GetParam()));
  Client client_{state_};
  Daemon daemon_{state_};
};

INSTANTIATE_TEST_SUITE_P(, EachProtection,
                         testing::Combine(testing::Values(TlsVersion::k12, TlsVersion::k13),
                                          testing::Values(Aead::kAes128Gcm, Aead::kAes256Gcm,
                                                          Aead::kChaCha20Poly1305)));

// --- Bytes ----------------------------------------------------------------------------------------------------------

TEST_P(EachProtection, OpensRecordsThatComeInAnyTwoPieces) {
  std::string bytes = client_.record(kData, "request");
  bytes += client_.record(kAlert, "\1\0"s);
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    Daemon daemon(state_);
    EXPECT_EQ(daemon.receive(bytes.substr(0, first)), first < bytes.size() ? Received::kNothing : Received::kClosed);
    EXPECT_EQ(daemon.receive(bytes.substr(first)), Received::kClosed) << first;
  }
}

TEST_P(EachProtection, OpensRecordsThatComeByteByByte) {
  std::string bytes = client_.record(kData, std::string(300, 'x'));
  bytes += client_.record(kData, "");
  bytes += client_.record(kData, "request");
  bytes += client_.record(kAlert, "\1\0"s);
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    ASSERT_EQ(daemon_.receive(bytes.substr(i, 1)), Received::kNothing) << i;
  }
  EXPECT_EQ(daemon_.receive(bytes.substr(bytes.size() - 1)), Received::kClosed);
}

TEST_P(EachProtection, RefusesARecordWithAnyOtherBit) {
  const std::string record = client_.record(kAlert, "\1\0"s);
  // A length may have become longer: what follows is part of the record then.
  const std::string more(kMaxRecordText + 256, '\0');
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    std::string changed = record;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(Daemon(state_).receive(changed + more), Received::kMalformed) << "bit " << bit;
  }
}

TEST_P(EachProtection, RefusesARecordThatComesAgain) {
  const std::string record = client_.record(kData, "request");
  EXPECT_EQ(daemon_.receive(record), Received::kNothing);
  EXPECT_EQ(daemon_.receive(record), Received::kMalformed);
}

TEST_P(EachProtection, RefusesARecordThatComesBeforeItsTurn) {
  const std::string first = client_.record(kData, "request");
  EXPECT_EQ(daemon_.receive(client_.record(kData, "another") + first), Received::kMalformed);
}

TEST_P(EachProtection, RefusesARecordWithoutItsEnd) {
  const std::string record = client_.record(kData, "request");
  const std::string next = client_.record(kData, std::string(kMaxRecordText, 'x'));
  for (std::size_t bytes = 1; bytes < record.size(); ++bytes) {
    EXPECT_EQ(Daemon(state_).receive(record.substr(0, bytes)), Received::kNothing);
    EXPECT_EQ(Daemon(state_).receive(record.substr(0, bytes) + next), Received::kMalformed) << bytes;
  }
}

TEST_P(EachProtection, RefusesGarbageWhateverItBeginsWith) {
  for (int first = 0; first < 256; ++first) {
    std::string garbage(kMaxRecordText + 256, '\x03');
    garbage[0] = static_cast<char>(first);
    EXPECT_EQ(Daemon(state_).receive(garbage), Received::kMalformed) << first;
  }
}

TEST_P(EachProtection, TakesTheLargestRecordAndRefusesALargerOneByItsHeader) {
  const std::string largest = client_.record(kData, std::string(kMaxRecordText, 'x'));
  EXPECT_EQ(daemon_.receive(largest), Received::kNothing);
  EXPECT_EQ(daemon_.receive(Client::header(kData, largest.size() - 5 + 1)), Received::kMalformed);
}

TEST_P(EachProtection, RefusesARecordTooShortForItsTagByItsHeader) {
  const std::size_t least = client_.record(kData, "").size() - 5;
  EXPECT_EQ(Daemon(state_).receive(Client::header(kData, least)), Received::kNothing);
  EXPECT_EQ(Daemon(state_).receive(Client::header(kData, least - 1)), Received::kMalformed);
  EXPECT_EQ(Daemon(state_).receive(Client::header(kData, 0)), Received::kMalformed);
}

TEST_P(EachProtection, DropsWhatComesBehindTheEnd) {
  EXPECT_EQ(daemon_.receive(client_.record(kAlert, "\1\0"s) + "garbage"), Received::kClosed);
  EXPECT_EQ(daemon_.receive("more garbage"), Received::kClosed);
}

TEST_P(EachProtection, StaysMalformed) {
  EXPECT_EQ(daemon_.receive("garbage"), Received::kMalformed);
  EXPECT_EQ(daemon_.receive(client_.record(kAlert, "\1\0"s)), Received::kMalformed);
}

TEST_P(EachProtection, DropsEmptyRecordsOfData) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(daemon_.receive(client_.record(kData, "")), Received::kNothing);
}

TEST_P(EachProtection, RefusesEmptyRecordsOfAllElse) {
  EXPECT_EQ(received(state_, kAlert, ""), Received::kMalformed);
  EXPECT_EQ(received(state_, kHandshake, ""), Received::kMalformed);
}

TEST_P(EachProtection, RefusesTypesThatHaveNoPlaceBehindTheHandshake) {
  for (const int type : {1, 19, kChangeCipherSpec, kHeartbeat, 255}) {
    EXPECT_EQ(received(state_, type, "\1"), Received::kMalformed) << type;
  }
}

// --- Alerts ---------------------------------------------------------------------------------------------------------

struct Alert {
  const char* name;
  std::string bytes;
  Received in_12, in_13;
};

TEST(Alerts, EndTheConnectionUnlessTheyAreWarnings) {
  const Alert kAlerts[] = {
      {"close_notify", "\1\0"s, Received::kClosed, Received::kClosed},
      {"close_notify, fatal", "\2\0"s, Received::kClosed, Received::kClosed},
      {"user_canceled", "\1\x5a", Received::kNothing, Received::kNothing},
      {"no_renegotiation", "\1\x64", Received::kNothing, Received::kClosed},
      {"bad_record_mac", "\2\x14", Received::kClosed, Received::kClosed},
      {"of no known kind", "\2\xff", Received::kClosed, Received::kClosed},
      {"of no level", "\3\x14", Received::kMalformed, Received::kClosed},
      {"cut", "\1", Received::kMalformed, Received::kMalformed},
      {"two in one record", "\1\x5a\1\x5a", Received::kMalformed, Received::kMalformed},
  };
  for (const Alert& alert : kAlerts) {
    EXPECT_EQ(received(k12, kAlert, alert.bytes), alert.in_12) << alert.name;
    EXPECT_EQ(received(k13, kAlert, alert.bytes), alert.in_13) << alert.name;
  }
}

// --- TLS 1.2 --------------------------------------------------------------------------------------------------------

TEST(Tls12, RefusesANewHandshakeAsApacheDoes) {
  EXPECT_EQ(received(k12, kHandshake, "\1\0\0\4"s + "hello"), Received::kMalformed);
}

// --- TLS 1.3 --------------------------------------------------------------------------------------------------------

const std::string kKeyUpdate = "\x18\0\0\1\0"s;
const std::string kKeyUpdateRequest = "\x18\0\0\1\1"s;

TEST(Tls13, RefusesRecordsInPlaintext) {
  for (const auto& [type, text] : {std::pair(kChangeCipherSpec, "\1"s), {kAlert, "\1\0"s}, {kHandshake, kKeyUpdate}}) {
    EXPECT_EQ(Daemon(k13).receive(Client::header(type, text.size()) + text), Received::kMalformed) << type;
  }
}

TEST(Tls13, TakesPaddingAndRefusesARecordOfPaddingAlone) {
  Client client(k13);
  Daemon daemon(k13);
  EXPECT_EQ(daemon.receive(client.record(kData, "text", 1000)), Received::kNothing);
  EXPECT_EQ(daemon.receive(client.record(kData, "", kMaxRecordText)), Received::kNothing);
  EXPECT_EQ(daemon.receive(client.inner_text("\0"s)), Received::kMalformed);
  EXPECT_EQ(Daemon(k13).receive(Client(k13).inner_text(std::string(1000, '\0'))), Received::kMalformed);
}

TEST(Tls13, RefusesHandshakeMessagesOtherThanAKeyUpdate) {
  for (int type = 0; type < 256; ++type) {
    const std::string message = static_cast<char>(type) + "\0\0\1\0"s;
    EXPECT_EQ(received(k13, kHandshake, message), type == 24 ? Received::kNothing : Received::kMalformed) << type;
  }
}

TEST(Tls13, RefusesAKeyUpdateOfAnotherLengthOrRequest) {
  EXPECT_EQ(received(k13, kHandshake, "\x18\0\0\2\0\0"s), Received::kMalformed);
  EXPECT_EQ(received(k13, kHandshake, "\x18\0\0\0"s), Received::kMalformed);
  EXPECT_EQ(received(k13, kHandshake, "\x18\0\0\1\2"s), Received::kMalformed);
}

TEST(Tls13, RefusesAKeyUpdateThatDoesNotEndItsRecord) {
  EXPECT_EQ(received(k13, kHandshake, kKeyUpdate + kKeyUpdate), Received::kMalformed);
  EXPECT_EQ(received(k13, kHandshake, kKeyUpdate + "\0"s), Received::kMalformed);
}

TEST(Tls13, TakesAKeyUpdateInFragments) {
  for (std::size_t first = 1; first < kKeyUpdateRequest.size(); ++first) {
    Client client(k13);
    Daemon daemon(k13);
    EXPECT_EQ(daemon.receive(client.record(kHandshake, kKeyUpdateRequest.substr(0, first))), Received::kNothing);
    EXPECT_FALSE(daemon.connection.has_to_answer());
    EXPECT_EQ(daemon.receive(client.record(kHandshake, kKeyUpdateRequest.substr(first))), Received::kNothing);
    EXPECT_TRUE(daemon.connection.has_to_answer()) << first;
  }
}

TEST(Tls13, RefusesOtherRecordsBetweenTheFragmentsOfAKeyUpdate) {
  for (const auto& [type, text] : {std::pair(kData, "text"s), {kAlert, "\1\0"s}}) {
    Client client(k13);
    Daemon daemon(k13);
    EXPECT_EQ(daemon.receive(client.record(kHandshake, kKeyUpdate.substr(0, 2))), Received::kNothing);
    EXPECT_EQ(daemon.receive(client.record(type, text)), Received::kMalformed) << type;
  }
}

TEST(Tls13, TakesKeyUpdatesUpToTheirLimit) {
  TlsPeer client;
  Daemon daemon(client.server_state());
  for (int i = 0; i < kMaxKeyUpdates; ++i) ASSERT_EQ(daemon.receive(client.update_keys(true)), Received::kNothing);
  EXPECT_EQ(daemon.receive(client.write("text")), Received::kNothing);
  EXPECT_EQ(daemon.receive(client.update_keys(true)), Received::kMalformed);
}

}  // namespace
}  // namespace streaming
