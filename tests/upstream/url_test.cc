// SPDX-License-Identifier: Apache-2.0
#include "upstream/url.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(Url, SplitsAUrlIntoItsParts) {
  const auto url = parse_url("https://api.example:8443/v1/chat?x=1#top");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "api.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->authority, "api.example:8443");
  EXPECT_EQ(url->path, "/v1/chat?x=1");
}

TEST(Url, HasItsSchemesPortAndARootWithoutOne) {
  const auto http = parse_url("http://localhost");
  ASSERT_TRUE(http);
  EXPECT_FALSE(http->tls);
  EXPECT_EQ(http->port, 80);
  EXPECT_EQ(http->path, "/");
  EXPECT_EQ(parse_url("https://localhost/")->port, 443);
}

TEST(Url, TakesAnAddressInBrackets) {
  const auto url = parse_url("http://[::1]:81/a");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 81);
  EXPECT_EQ(url->authority, "[::1]:81");
}

TEST(Url, RefusesTextThatIsNoUrl) {
  for (const char* text : {"", "ftp://a/", "https://", "https:///a", "https://user:key@a/", "https://a:0/",
                           "https://a:/", "https://a:65536/", "https://a:8x/", "https://[::1/", "https://[::1]x/",
                           "https://a/b c", "https://a/\r\nX: y", "https://a?b"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

}  // namespace
}  // namespace streaming
