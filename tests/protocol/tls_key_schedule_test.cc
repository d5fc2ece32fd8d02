// SPDX-License-Identifier: Apache-2.0
// The values are those of RFC 8448, section 3. That the keys of TLS 1.2, and those behind a KeyUpdate, are OpenSSL's own
// is seen by the tests of the record layer.
#include "protocol/tls_key_schedule.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

namespace handoff_protocol {
namespace {

void set(std::span<std::uint8_t> bytes, std::string_view hex) {
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    bytes[i] = static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  }
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

TEST(TlsKeySchedule, DerivesTheTrafficKeysOfRfc8448) {
  TlsDirection server;
  server.sequence = 7;
  set(server.secret, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
  ASSERT_TRUE(derive_traffic_keys(Aead::kAes128Gcm, server));
  EXPECT_EQ(hex(std::span(server.key).first(16)), "9f02283b6c9c07efc26bb9f2ac92e356");
  EXPECT_EQ(hex(server.iv), "cf782b88dd83549aadf1e984");
  EXPECT_EQ(server.sequence, 0u);
}

TEST(TlsKeySchedule, ReplacesSecretKeyAndIvBehindAKeyUpdateAndCountsFromZero) {
  for (const Aead aead : {Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305}) {
    TlsDirection direction;
    set(direction.secret, "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    ASSERT_TRUE(derive_traffic_keys(aead, direction));
    const TlsDirection before = direction;
    direction.sequence = 7;
    ASSERT_TRUE(update_traffic_keys(aead, direction));
    EXPECT_NE(direction.secret, before.secret);
    EXPECT_NE(direction.key, before.key);
    EXPECT_NE(direction.iv, before.iv);
    EXPECT_EQ(direction.sequence, 0u);
  }
}

}  // namespace
}  // namespace handoff_protocol
