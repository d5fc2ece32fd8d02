// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

// The test vectors of RFC 4648, and bytes beyond ASCII.
TEST(Base64, EncodesTheVectorsOfTheRfc) {
  const auto encoded = [](std::string_view bytes) {
    std::string out = "x:";
    append_base64(out, bytes);
    return out.substr(2);
  };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded(std::string_view("\xFF\xFE\x00\xFB", 4)), "//4A+w==");
}

TEST(Base64, DecodesWhatWasEncoded) {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xFF\xFE\xFB"}) {
    std::string encoded;
    append_base64(encoded, bytes);
    EXPECT_EQ(base64_decoded_size(encoded), bytes.size());
    EXPECT_EQ(decode_base64(encoded), bytes);
  }
}

TEST(Base64, KnowsWhatIsNone) {
  for (const std::string_view text : {"Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm9v\nZg=", "Zm-_", "Zg==Zg==", "\xFFm9v"}) {
    EXPECT_FALSE(base64_decoded_size(text)) << text;
  }
}

}  // namespace
}  // namespace streaming
