// SPDX-License-Identifier: Apache-2.0
#include "store/store_url.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(StoreUrl, HasThePortAndTheDatabaseThatAreUsualUnlessTheUrlNamesOthers) {
  const StoreUrl usual = parse_store_url("valkey://cache.example").value();
  EXPECT_EQ(usual.host, "cache.example");
  EXPECT_EQ(usual.port, 6379);
  EXPECT_EQ(usual.database, 0);
  EXPECT_FALSE(usual.tls);
  const StoreUrl other = parse_store_url("redis://cache.example:7000/3").value();
  EXPECT_EQ(other.port, 7000);
  EXPECT_EQ(other.database, 3);
}

TEST(StoreUrl, SpeaksTlsIfItsSchemeEndsWithAnotherS) {
  EXPECT_TRUE(parse_store_url("valkeys://cache.example")->tls);
  EXPECT_TRUE(parse_store_url("rediss://cache.example")->tls);
}

TEST(StoreUrl, HasUserAndPasswordDecoded) {
  const StoreUrl url = parse_store_url("valkey://daemon:p%40ss%2Fword@10.0.0.1").value();
  EXPECT_EQ(url.user, "daemon");
  EXPECT_EQ(url.password, "p@ss/word");
  EXPECT_EQ(url.host, "10.0.0.1");
}

TEST(StoreUrl, HasAnIpv6AddressWithoutBrackets) {
  EXPECT_EQ(parse_store_url("valkey://[::1]:6380")->host, "::1");
}

TEST(StoreUrl, CanBeAUnixSocket) {
  EXPECT_EQ(parse_store_url("unix:///run/valkey/valkey.sock")->socket, "/run/valkey/valkey.sock");
}

TEST(StoreUrl, IsRefusedWithTheReasonIfItIsNone) {
  for (const auto& [text, reason] : {std::pair{"cache.example:6379", "is not a URL"},
                                     std::pair{"http://cache.example", "begins with http://"},
                                     std::pair{"valkey://cache.example/first", "the path /first"},
                                     std::pair{"valkey://cache.example/-1", "the path /-1"},
                                     std::pair{"valkey://cache.example:0", "port"},
                                     std::pair{"valkey://", "is not a URL"},
                                     std::pair{"valkey://:pass%0aword@cache.example", "is not a URL"},
                                     std::pair{"unix://run/valkey.sock", "absolute path"},
                                     std::pair{"", "is not a URL"}}) {
    const Result<StoreUrl> url = parse_store_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_NE(url.error().message.find(reason), std::string::npos) << url.error().message;
  }
}

}  // namespace
}  // namespace streaming
