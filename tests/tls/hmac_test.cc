// SPDX-License-Identifier: Apache-2.0
#include "tls/hmac.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

// RFC 4231, test case 2.
TEST(Hmac, SignsThePartsAsOneText) {
  const HmacSha256Key key("Jefe");
  const std::optional<HmacSha256> whole = key.sign({"what do ya want for nothing?"});
  ASSERT_TRUE(whole);
  constexpr unsigned char kExpected[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
                                         0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
                                         0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
  EXPECT_EQ(std::memcmp(whole->data(), kExpected, whole->size()), 0);
  EXPECT_EQ(key.sign({"what do ya ", "", "want for nothing?"}), whole);
}

}  // namespace
}  // namespace streaming
