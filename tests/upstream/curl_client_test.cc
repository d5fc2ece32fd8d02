// SPDX-License-Identifier: Apache-2.0
// The engine over libcurl, beyond the tests of all engines: Unix sockets, proxies, and other features of HTTP/1.1.

#include "upstream/curl_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <latch>
#include <vector>

#include "support/dns_server.h"
#include "support/http_client_loop.h"
#include "support/raw_server.h"
#include "support/temporary_directory.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class CurlClientTest : public testing::Test {
 protected:
  void post(HttpRequest request) {
    request.body = "{}";
    receiver.transfer = loop.client->start(std::move(request), receiver);
  }
  void run_until(const std::function<bool()>& condition) { loop.run_until(condition); }

  TemporaryDirectory directory;
  HttpClientLoop loop;
  RecordingReceiver receiver;
};

TEST_F(CurlClientTest, AsksOverAUnixSocket) {
  RawServer server(directory.file("api.sock"), [](int connection, const std::string& request) {
    EXPECT_THAT(request, StartsWith("POST /v1 HTTP/1.1\r\n"));
    EXPECT_THAT(request, HasSubstr("\r\nHost: api.example\r\n"));
    RawServer::write(connection, kOk);
  });
  post({.url = "http://api.example/v1", .headers = {}, .body = {}, .unix_socket = directory.file("api.sock")});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.error, "");
  EXPECT_EQ(receiver.body, "ok");
}

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

TEST_F(CurlClientTest, SeesABodyThatIsShorterThanItsLength) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  post({.url = server.url(), .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "only this");
  EXPECT_NE(receiver.error, "");
}

TEST_F(CurlClientTest, SeesAHeadThatIsCutOff) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/ev");
  });
  post({.url = server.url(), .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 0);
  EXPECT_NE(receiver.error, "");
}

// More requests than one of libcurl's multi handles takes; the server answers when all have arrived.
TEST_F(CurlClientTest, CarriesAsManyAtOnceAsAreAsked) {
  constexpr std::size_t kRequests = 2 * kTransfersPerCurlMulti + 1;
  std::latch all_asked(kRequests);
  RawServer server([&](int connection, const std::string&) {
    all_asked.arrive_and_wait();
    RawServer::write(connection, kOk);
  });
  std::vector<RecordingReceiver> receivers(kRequests);
  for (RecordingReceiver& each : receivers) {
    each.transfer = loop.client->start({.url = server.url(), .headers = {}, .body = "{}"}, each);
  }
  run_until([&] { return std::all_of(receivers.begin(), receivers.end(), [](auto& each) { return each.finished; }); });
  for (const RecordingReceiver& each : receivers) EXPECT_EQ(each.body + each.error, "ok");
}

TEST_F(CurlClientTest, ClosesConnectionsThatNobodyUses) {
  std::atomic<bool> closed = false;
  RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, kOk);
    char byte;
    closed = recv(connection, &byte, 1, 0) == 0;
  });
  post({.url = server.url(), .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_FALSE(closed);
  for (int i = 0; i < 3; ++i) loop.skip(kUpstreamIdleTimeout);
  run_until([&] { return closed.load(); });
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(CurlClientTest, AsksForNamesWithoutAThread) {
  constexpr std::size_t kRequests = 300;
  DnsServer names;
  names.hold("slow.test");
  names.add("fast.test", {"127.0.0.1"});
  loop.client.emplace(*loop.ring, loop.timers, names.address());
  RawServer server([](int connection, const std::string& request) {
    EXPECT_THAT(request, HasSubstr("\r\nHost: fast.test"));
    RawServer::write(connection, kOk);
  });
  const std::size_t before = threads();
  std::vector<RecordingReceiver> waiting(kRequests);
  for (RecordingReceiver& each : waiting) {
    each.transfer = loop.client->start({.url = "http://slow.test/", .headers = {}, .body = "{}"}, each);
  }
  run_until([&] { return names.questions("slow.test") > 0; });
  EXPECT_EQ(threads(), before);
  post({.url = "http://fast.test:" + std::to_string(server.port()) + "/", .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body + receiver.error, "ok");
  for (const RecordingReceiver& each : waiting) EXPECT_FALSE(each.finished);
  loop.skip(kUpstreamConnectTimeout);
  for (const RecordingReceiver& each : waiting) EXPECT_THAT(each.error, HasSubstr("in time"));
  EXPECT_EQ(names.questions("fast.test"), 2);
}

TEST_F(CurlClientTest, AsksForTheProxysNameAndNotForTheServers) {
  DnsServer names;
  names.add("proxy.test", {"127.0.0.1"});
  std::string asked;
  RawServer proxy([&](int connection, const std::string& request) {
    asked = request.substr(0, request.find("\r\n"));
    RawServer::write(connection, kOk);
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
