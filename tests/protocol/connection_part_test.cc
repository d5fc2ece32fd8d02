// SPDX-License-Identifier: Apache-2.0
#include "protocol/connection_part.h"

#include <gmock/gmock.h>

#include <numeric>
#include <tuple>
#include <vector>

namespace handoff_protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

void fill(std::span<std::uint8_t> bytes, std::uint8_t first) {
  std::iota(bytes.begin(), bytes.end(), first);
}

TlsState state_of(TlsVersion version, Aead aead) {
  TlsState tls;
  tls.version = version;
  tls.aead = aead;
  std::uint8_t first = 1;
  for (TlsDirection* direction : {&tls.from_client, &tls.to_client}) {
    direction->sequence = 0x0102030405060700 + first;
    fill(std::span(direction->key).first(key_bytes(aead)), first += 40);
    fill(std::span(direction->iv).first(iv_bytes(version, aead)), first += 40);
    fill(std::span(direction->secret).first(secret_bytes(version, aead)), first += 40);
  }
  return tls;
}

Bytes part_of(const ConnectionState& connection) {
  std::array<std::uint8_t, kMaxConnectionPartBytes> room;
  const std::size_t bytes = write_connection_part(connection, room);
  return Bytes(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes));
}

Bytes part_of(const TlsState& tls) {
  return part_of(ConnectionState{.tls = tls});
}

constexpr Http2State kHttp2{.stream = 5,
                            .highest_stream = 9,
                            .connection_window = 0x7fffffff,
                            .stream_window = -3,
                            .initial_window = 6'291'456,
                            .max_frame_bytes = 16'384};

Bytes bytes_of(std::size_t count) {
  Bytes bytes(count);
  fill(bytes, 7);
  return bytes;
}

class ConnectionPartTest : public testing::TestWithParam<std::tuple<TlsVersion, Aead>> {
 protected:
  const TlsState tls_ = state_of(std::get<0>(GetParam()), std::get<1>(GetParam()));
  const Bytes part_ = part_of(tls_);
};

INSTANTIATE_TEST_SUITE_P(, ConnectionPartTest,
                         testing::Combine(testing::Values(TlsVersion::k12, TlsVersion::k13),
                                          testing::Values(Aead::kAes128Gcm, Aead::kAes256Gcm,
                                                          Aead::kChaCha20Poly1305)));

TEST_P(ConnectionPartTest, ReadsBackWhatWasWrittenAndLeavesThePayload) {
  Bytes message = part_;
  message.push_back('{');
  ASSERT_TRUE(has_connection_part(message));
  const ConnectionPart read = read_connection_part(message);
  EXPECT_EQ(read.problem, ConnectionPartProblem::kNone);
  EXPECT_EQ(read.bytes, part_.size());
  EXPECT_TRUE(read.connection.tls == tls_);
}

TEST_P(ConnectionPartTest, IsIncompleteWithEachLengthBeforeItsEnd) {
  for (std::size_t bytes = 1; bytes < part_.size(); ++bytes) {
    EXPECT_EQ(read_connection_part(std::span(part_).first(bytes)).problem, ConnectionPartProblem::kIncomplete) << bytes;
  }
}

TEST_P(ConnectionPartTest, RefusesEveryOtherLengthOfItsSection) {
  for (const int more : {-1, 1}) {
    Bytes message = part_;
    message.push_back(0);
    message[3] = static_cast<std::uint8_t>(message[3] + more);
    EXPECT_EQ(read_connection_part(message).problem, ConnectionPartProblem::kMalformed) << "whole part " << more;
    message[7] = static_cast<std::uint8_t>(message[7] + more);
    EXPECT_EQ(read_connection_part(message).problem, ConnectionPartProblem::kMalformed) << "both " << more;
  }
}

TEST_P(ConnectionPartTest, ReadsBackAnHttp2ConnectionWithTheBytesThatApacheHasNotUsed) {
  const Bytes frames = bytes_of(kMaxUnusedBytes);
  const Bytes records = bytes_of(kMaxUnusedBytes);
  const Bytes message = part_of(ConnectionState{.tls = tls_, .http2 = kHttp2, .frames = frames, .records = records});
  const ConnectionPart read = read_connection_part(message);
  ASSERT_EQ(read.problem, ConnectionPartProblem::kNone);
  EXPECT_EQ(read.bytes, message.size());
  EXPECT_FALSE(read.is_reservation);
  EXPECT_TRUE(read.connection.tls == tls_);
  EXPECT_TRUE(read.connection.http2 == kHttp2);
  EXPECT_THAT(read.connection.frames, testing::ElementsAreArray(frames));
  EXPECT_THAT(read.connection.records, testing::ElementsAreArray(records));
}

TEST(ConnectionPart, ReadsBackAnHttp2ConnectionOverTcp) {
  const ConnectionPart read = read_connection_part(part_of(ConnectionState{.http2 = kHttp2}));
  ASSERT_EQ(read.problem, ConnectionPartProblem::kNone);
  EXPECT_FALSE(read.connection.tls);
  EXPECT_TRUE(read.connection.http2 == kHttp2);
  EXPECT_TRUE(read.connection.frames.empty());
}

TEST(ConnectionPart, RefusesAnHttp2StateThatNoConnectionCanHave) {
  const auto problem_with = [](auto change) {
    Http2State http2 = kHttp2;
    change(http2);
    return read_connection_part(part_of(ConnectionState{.http2 = http2})).problem;
  };
  ASSERT_EQ(problem_with([](Http2State&) {}), ConnectionPartProblem::kNone);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.stream = 4; }), ConnectionPartProblem::kMalformed);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.stream = 0x80000001; }), ConnectionPartProblem::kMalformed);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.highest_stream = 3; }), ConnectionPartProblem::kMalformed);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.connection_window = -1; }), ConnectionPartProblem::kMalformed);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.initial_window = -1; }), ConnectionPartProblem::kMalformed);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.max_frame_bytes = 16'383; }), ConnectionPartProblem::kMalformed);
  EXPECT_EQ(problem_with([](Http2State& http2) { http2.max_frame_bytes = 1 << 24; }),
            ConnectionPartProblem::kMalformed);
}

TEST(ConnectionPart, RefusesMoreUnusedBytesThanAPartMayHave) {
  Bytes message = part_of(ConnectionState{.http2 = kHttp2, .frames = bytes_of(kMaxUnusedBytes)});
  message.push_back(0);
  for (const std::size_t length : {std::size_t{2}, std::size_t{6}}) {
    const std::size_t bytes = (std::size_t{message[length]} << 8 | message[length + 1]) + 1;
    message[length] = static_cast<std::uint8_t>(bytes >> 8);
    message[length + 1] = static_cast<std::uint8_t>(bytes);
  }
  EXPECT_EQ(read_connection_part(message).problem, ConnectionPartProblem::kMalformed);
}

TEST(ConnectionPart, ReadsAReservation) {
  Bytes message(kReservationPart.begin(), kReservationPart.end());
  message.push_back('{');
  const ConnectionPart read = read_connection_part(message);
  ASSERT_EQ(read.problem, ConnectionPartProblem::kNone);
  EXPECT_EQ(read.bytes, kReservationPart.size());
  EXPECT_TRUE(read.is_reservation);
}

TEST(ConnectionPart, RefusesSectionsInAnotherOrderThanThatOfTheirKinds) {
  const Bytes http2 = part_of(ConnectionState{.http2 = kHttp2});
  Bytes twice = http2;
  twice.insert(twice.end(), http2.begin() + kConnectionHeaderBytes, http2.end());
  twice[3] = static_cast<std::uint8_t>(twice.size());
  EXPECT_EQ(read_connection_part(twice).problem, ConnectionPartProblem::kMalformed);
}

TEST(ConnectionPart, RefusesAReservationBesideAConnection) {
  Bytes message = part_of(ConnectionState{.http2 = kHttp2});
  message.insert(message.end(), kReservationPart.begin() + kConnectionHeaderBytes, kReservationPart.end());
  message[3] = static_cast<std::uint8_t>(message.size());
  EXPECT_EQ(read_connection_part(message).problem, ConnectionPartProblem::kMalformed);
}

TEST(ConnectionPart, RefusesRecordsWithoutTls) {
  Bytes message(kReservationPart.begin(), kReservationPart.end());
  message[4] = 3;
  message[7] = 1;
  message[3] = 9;
  message.push_back(0x17);
  EXPECT_EQ(read_connection_part(message).problem, ConnectionPartProblem::kMalformed);
}

struct ChangedByte {
  std::size_t offset;
  std::uint8_t value;
  ConnectionPartProblem problem;
};

TEST(ConnectionPart, NamesWhatIsWrongWithAByteOfItsHeaders) {
  constexpr ChangedByte kChanges[] = {
      {1, kConnectionVersion + 1, ConnectionPartProblem::kUnknownVersion},
      {2, 0xff, ConnectionPartProblem::kMalformed},
      {1, kConnectionVersion, ConnectionPartProblem::kMalformed},  // it has nothing that is newer than version 1
      {4, 5, ConnectionPartProblem::kUnknownVersion},              // kind of section
      {5, 1, ConnectionPartProblem::kMalformed},
      {9, 2, ConnectionPartProblem::kUnknownVersion},   // TLS 1.1
      {11, 3, ConnectionPartProblem::kUnknownVersion},  // CCM
  };
  for (const ChangedByte& change : kChanges) {
    Bytes message = part_of(state_of(TlsVersion::k13, Aead::kAes128Gcm));
    message[change.offset] = change.value;
    EXPECT_EQ(read_connection_part(message).problem, change.problem) << change.offset;
  }
}

TEST(ConnectionPart, BeginsUnlikeJsonAndUnlikeAMessageWithoutPayload) {
  for (const char* message : {"{", "[", " ", "\n", "\"", "t", "-", "1"}) {
    EXPECT_FALSE(has_connection_part(std::span(reinterpret_cast<const std::uint8_t*>(message), 1)));
  }
  EXPECT_FALSE(has_connection_part(Bytes{0}));
  EXPECT_FALSE(has_connection_part({}));
}

}  // namespace
}  // namespace handoff_protocol
