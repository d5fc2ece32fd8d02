// SPDX-License-Identifier: Apache-2.0
#include "upstream/curl_routes.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace streaming {
namespace {

// From the environment that a test sets.
class CurlRoutesTest : public testing::Test {
 protected:
  ~CurlRoutesTest() override {
    for (const char* name : {"http_proxy", "https_proxy"}) unsetenv(name);
  }
  static CurlRoute route(const std::string& url) {
    const ProxyRules rules = ProxyRules::from_environment();
    CurlRoutes routes(rules);
    const CurlRoute* found = routes.find(url);
    return found == nullptr ? CurlRoute{.proxy = "none", .host = "none"} : *found;
  }
};

TEST_F(CurlRoutesTest, NameTheServerWithItsPort) {
  EXPECT_EQ(route("http://api.example/v1").host, "api.example");
  EXPECT_EQ(route("http://api.example/v1").port, 80);
  EXPECT_EQ(route("https://api.example?q").port, 443);
  EXPECT_EQ(route("http://api.example:8080").port, 8080);
}

TEST_F(CurlRoutesTest, NameNoAddress) {
  EXPECT_EQ(route("http://127.0.0.1:8080/v1").host, "");
  EXPECT_EQ(route("http://[::1]/v1").host, "");
}

TEST_F(CurlRoutesTest, NameTheProxyInPlaceOfTheServer) {
  setenv("https_proxy", "https://proxy.example", 1);
  EXPECT_EQ(route("https://api.example/v1").proxy, "https://proxy.example");
  EXPECT_EQ(route("https://api.example/v1").host, "proxy.example");
  EXPECT_EQ(route("https://api.example/v1").port, 443);
  EXPECT_EQ(route("http://api.example/v1").host, "api.example");
  setenv("http_proxy", "socks5://proxy.example", 1);
  EXPECT_EQ(route("http://api.example/v1").proxy, "socks5h://proxy.example");
  EXPECT_EQ(route("http://api.example/v1").port, 1080);
}

TEST_F(CurlRoutesTest, LeaveToLibcurlWhatIsNoUrl) {
  EXPECT_EQ(route("http://").host, "none");
  EXPECT_EQ(route("nonsense://api.example").host, "none");
}

TEST_F(CurlRoutesTest, AreFoundOnceForAServer) {
  const ProxyRules rules;
  CurlRoutes routes(rules);
  const CurlRoute* first = routes.find("http://api.example/v1?a#b");
  EXPECT_EQ(routes.find("http://api.example/v2"), first);
  EXPECT_NE(routes.find("http://api.example:81/v2"), first);
  EXPECT_NE(routes.find("https://api.example/v1"), first);
}

TEST_F(CurlRoutesTest, AreRightWhenMoreServersAreAskedForThanAreRemembered) {
  const ProxyRules rules;
  CurlRoutes routes(rules);
  for (std::size_t number = 0; number < 2 * kMaxKnownRoutes; ++number) {
    const std::string host = "api" + std::to_string(number) + ".example";
    EXPECT_EQ(routes.find("http://" + host + "/v1")->host, host);
  }
}

}  // namespace
}  // namespace streaming
