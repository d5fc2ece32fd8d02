// SPDX-License-Identifier: Apache-2.0
#include "config/printed_url.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(PrintedUrl, HidesUserAndPassword) {
  EXPECT_EQ(printed_url("https://user:pass@host:8443/v1"), "https://***@host:8443/v1");
  EXPECT_EQ(printed_url("https://token@host"), "https://***@host");
  EXPECT_EQ(printed_url("https://a@b:c@host/"), "https://***@host/");
  EXPECT_EQ(printed_url("user:pass@host/v1"), "***@host/v1") << "a scheme may be what is missing";
}

TEST(PrintedUrl, HidesTheQuerysValues) {
  EXPECT_EQ(printed_url("https://host/v1?key=sk-1&api-version=2024-10-21&x"),
            "https://host/v1?key=***&api-version=2024-10-21&x");
  EXPECT_EQ(printed_url("https://host?a=b=c&"), "https://host?a=***&");
}

TEST(PrintedUrl, LeavesUrlsWithoutSecretsUnchanged) {
  for (const char* url : {"", "https://api.openai.com/v1", "http://[::1]:8080/{model}", "https://host/@user", "http://"}) {
    EXPECT_EQ(printed_url(url), url);
  }
}

}  // namespace
}  // namespace streaming
