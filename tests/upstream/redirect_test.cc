// SPDX-License-Identifier: Apache-2.0
#include "upstream/redirect.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

constexpr char kUrl[] = "https://api.example/v1/chat?a=b";

TEST(Redirect, LeadsToAnotherPlaceOfTheSameServer) {
  EXPECT_EQ(redirect_target(kUrl, 307, "/v1/chat/"), "https://api.example/v1/chat/");
  EXPECT_EQ(redirect_target(kUrl, 308, "completions?c=d#e"), "https://api.example/v1/completions?c=d");
  EXPECT_EQ(redirect_target(kUrl, 308, "https://api.example:443/x"), "https://api.example:443/x");
  EXPECT_EQ(redirect_target("http://[::1]:8000/a", 307, "http://[::1]:8000/a/"), "http://[::1]:8000/a/");
}

TEST(Redirect, DoesNotFollowARedirectToAnotherOrigin) {
  for (const char* location : {"", "https://other.example/v1", "http://api.example/v1", "https://api.example:8443/v1",
                               "//other.example/v1", "https://user:word@api.example/v1", "https://api.example.other/",
                               "ftp://api.example/", "https://api.example/a b"}) {
    EXPECT_EQ(redirect_target(kUrl, 307, location), std::nullopt) << location;
  }
}

TEST(Redirect, DoesNotFollowARedirectThatWouldChangeTheMethod) {
  for (const int status : {200, 300, 301, 302, 303, 304, 400}) {
    EXPECT_EQ(redirect_target(kUrl, status, "/v1/chat/"), std::nullopt) << status;
  }
}

}  // namespace
}  // namespace streaming
