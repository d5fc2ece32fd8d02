// SPDX-License-Identifier: Apache-2.0
#include "upstream/proxy_rules.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace streaming {
namespace {

class ProxyRulesTest : public testing::Test {
 protected:
  ProxyRulesTest() { clear(); }
  ~ProxyRulesTest() override { clear(); }

  static void clear() {
    for (const char* name :
         {"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
      unsetenv(name);
    }
  }
  static bool applies(const char* url) { return ProxyRules::from_environment().apply_to(*parse_url(url)); }
};

TEST_F(ProxyRulesTest, ApplyToTheSchemeTheyName) {
  EXPECT_FALSE(applies("https://a/"));
  setenv("HTTPS_PROXY", "http://proxy:3128", 1);
  EXPECT_TRUE(applies("https://a/"));
  EXPECT_FALSE(applies("http://a/"));
  setenv("all_proxy", "http://proxy:3128", 1);
  EXPECT_TRUE(applies("http://a/"));
}

TEST_F(ProxyRulesTest, IgnoreWhatAClientsHeaderCouldHaveSet) {
  setenv("HTTP_PROXY", "http://evil", 1);
  EXPECT_FALSE(applies("http://a/"));
  setenv("http_proxy", "http://proxy", 1);
  EXPECT_TRUE(applies("http://a/"));
}

TEST_F(ProxyRulesTest, ExemptHostsAndWhatIsBelowThem) {
  setenv("https_proxy", "http://proxy", 1);
  setenv("no_proxy", "localhost, .internal,example.org", 1);
  EXPECT_FALSE(applies("https://localhost/"));
  EXPECT_FALSE(applies("https://llm.internal/"));
  EXPECT_FALSE(applies("https://API.Example.org:1/"));
  EXPECT_TRUE(applies("https://badexample.org/"));
  setenv("no_proxy", "*", 1);
  EXPECT_FALSE(applies("https://a/"));
}

TEST_F(ProxyRulesTest, ExemptNetworks) {
  setenv("all_proxy", "http://proxy:3128", 1);
  setenv("no_proxy", "10.1.0.0/20, fd00::/8", 1);
  EXPECT_FALSE(applies("http://10.1.15.255/"));
  EXPECT_TRUE(applies("http://10.1.16.0/"));
  EXPECT_FALSE(applies("http://[fd12::1]/"));
  EXPECT_TRUE(applies("http://[fe80::1]/"));
  EXPECT_TRUE(applies("http://host/"));
}

}  // namespace
}  // namespace streaming
