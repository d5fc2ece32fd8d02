// SPDX-License-Identifier: Apache-2.0
// The engine over libcurl: proxies, and URLs that the other engines do not take.

#include "upstream/curl_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include "support/dns_server.h"
#include "support/http_client_loop.h"
#include "support/raw_server.h"

namespace streaming {
namespace {

class CurlClientTest : public testing::Test {
 protected:
  void post(HttpRequest request) {
    request.body = "{}";
    receiver.transfer = loop.client->start(std::move(request), receiver);
  }
  void run_until(const std::function<bool()>& condition) { loop.run_until(condition); }

  HttpClientLoop loop;
  RecordingReceiver receiver;
};

// Also for an https URL, which would otherwise use HTTP/2.
TEST_F(CurlClientTest, GoesThroughAProxyThatTheEnvironmentNames) {
  std::string asked;
  RawServer proxy([&](int connection, const std::string& request) {
    asked = request.substr(0, request.find("\r\n"));
    RawServer::write(connection, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  setenv("https_proxy", ("http://127.0.0.1:" + std::to_string(proxy.port())).c_str(), 1);
  loop.client.emplace(*loop.ring, loop.timers);  // reads the environment
  post({.url = "https://api.example/v1", .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  unsetenv("https_proxy");
  EXPECT_EQ(asked, "CONNECT api.example:443 HTTP/1.1");
  EXPECT_NE(receiver.error, "");
}

TEST_F(CurlClientTest, AsksForTheProxysNameAndNotForTheServers) {
  DnsServer names;
  names.add("proxy.test", {"127.0.0.1"});
  std::string asked;
  RawServer proxy([&](int connection, const std::string& request) {
    asked = request.substr(0, request.find("\r\n"));
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  setenv("http_proxy", ("http://user:word@proxy.test:" + std::to_string(proxy.port())).c_str(), 1);
  loop.client.emplace(*loop.ring, loop.timers, names.address());
  unsetenv("http_proxy");
  post({.url = "http://api.test/v1", .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_EQ(asked, "POST http://api.test/v1 HTTP/1.1");
  EXPECT_EQ(names.questions("api.test"), 0);
}

TEST_F(CurlClientTest, SaysWhatIsWrongWithAUrl) {
  for (const char* url : {"https://", "https://user@:1/", "https://a b/"}) {
    receiver = RecordingReceiver{};
    post({.url = url, .headers = {}, .body = {}});
    run_until([&] { return receiver.finished; });
    EXPECT_NE(receiver.error, "") << url;
  }
}

}  // namespace
}  // namespace streaming
