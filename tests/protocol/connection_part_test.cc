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

Bytes part_of(const TlsState& tls) {
  std::array<std::uint8_t, kMaxConnectionPartBytes> room;
  const std::size_t bytes = write_connection_part(tls, room);
  return Bytes(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes));
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
  EXPECT_TRUE(read.tls == tls_);
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

struct ChangedByte {
  std::size_t offset;
  std::uint8_t value;
  ConnectionPartProblem problem;
};

TEST(ConnectionPart, NamesWhatIsWrongWithAByteOfItsHeaders) {
  constexpr ChangedByte kChanges[] = {
      {1, kConnectionVersion + 1, ConnectionPartProblem::kUnknownVersion},
      {2, 0xff, ConnectionPartProblem::kMalformed},
      {4, 2, ConnectionPartProblem::kUnknownVersion},  // kind of section
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
