// SPDX-License-Identifier: Apache-2.0
// The engine for HTTP/1.1, beyond the tests of all engines: how answers end, connections that are used again, and Unix
// sockets.

#include "upstream/http1_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
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

class Http1ClientTest : public testing::Test {
 protected:
  // And closes the connection.
  static RawServer::Serve answer_with(std::string answer) {
    return [answer = std::move(answer)](int connection, const std::string&) { RawServer::write(connection, answer); };
  }
  void post(HttpRequest request) {
    if (request.body.empty()) request.body = "{}";
    receiver.transfer = loop.client->start(std::move(request), receiver);
  }
  // The request, and its answer until the end.
  void ask(const RawServer& server, std::string body = {}) {
    receiver = RecordingReceiver{};
    post({.url = server.url(), .headers = {}, .body = std::move(body)});
    run_until([&] { return receiver.finished; });
  }
  void run_until(const std::function<bool()>& condition) { loop.run_until(condition); }

  TemporaryDirectory directory;
  HttpClientLoop loop;
  RecordingReceiver receiver;
};

// --- Answers --------------------------------------------------------------------------------------------------------

TEST_F(Http1ClientTest, ReadsEachKindOfAnswerInWholeAndByteByByte) {
  const struct {
    const char* answer;
    int status;
    const char* body;
  } kAnswers[] = {
      {kOk, 200, "ok"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=\"b\"\r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n", 200,
       "hello!"},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", 200, ""},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       200, "ok"},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, ""},
      {"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 200, "ok"}};
  for (const auto& [answer, status, body] : kAnswers) {
    for (const bool byte_by_byte : {false, true}) {
      RawServer server([&, text = std::string_view(answer)](int connection, const std::string&) {
        for (std::size_t at = 0; at < text.size(); at += byte_by_byte ? 1 : text.size()) {
          RawServer::write(connection, byte_by_byte ? text.substr(at, 1) : text);
        }
      });
      ask(server);
      EXPECT_EQ(receiver.error, "") << answer;
      EXPECT_EQ(receiver.status, status) << answer;
      EXPECT_EQ(receiver.body, body) << answer;
    }
  }
}

TEST_F(Http1ClientTest, RefusesAnswersThatCouldBeReadInTwoWays) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "nonsense\r\n\r\n"}) {
    RawServer server(answer_with(answer));
    ask(server);
    EXPECT_THAT(receiver.error, HasSubstr("cannot be read")) << answer;
  }
}

TEST_F(Http1ClientTest, GivesUpAnAnswerWhoseHeadLineOrTrailersDoNotEnd) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string endless(2 * kMaxUpstreamHeadBytes, 'x');
  std::string fields;
  while (fields.size() < 2 * kMaxUpstreamHeadBytes) fields += "X-Field: some value\r\n";
  for (const std::string& answer : {"HTTP/1.1 200 " + endless, "HTTP/1.1 200 OK\r\nX: " + endless,
                                    "HTTP/1.1 200 OK\r\n" + fields, chunked + "2;" + endless, chunked + "0\r\n" + fields}) {
    std::promise<void> over;
    RawServer server([&](int connection, const std::string&) {
      RawServer::write(connection, answer);
      over.get_future().wait();
    });
    ask(server);
    EXPECT_NE(receiver.error, "") << answer.substr(0, 70);
    over.set_value();
  }
}

TEST_F(Http1ClientTest, SeesABodyThatIsShorterThanItsLength) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  post({.url = server.url(), .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "only this");
  EXPECT_NE(receiver.error, "");
}

TEST_F(Http1ClientTest, SeesAHeadThatIsCutOff) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/ev");
  });
  post({.url = server.url(), .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 0);
  EXPECT_NE(receiver.error, "");
}

// The server answers when all have arrived.
TEST_F(Http1ClientTest, CarriesAsManyAtOnceAsAreAsked) {
  constexpr std::size_t kRequests = 500;
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

// --- Connections ----------------------------------------------------------------------------------------------------

TEST_F(Http1ClientTest, ClosesConnectionsThatNobodyUses) {
  std::atomic<bool> closed = false;
  RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, kOk);
    char byte;
    closed = recv(connection, &byte, 1, 0) == 0;
  });
  post({.url = server.url(), .headers = {}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_FALSE(closed);
  loop.skip(kUpstreamIdleTimeout);
  run_until([&] { return closed.load(); });
}

TEST_F(Http1ClientTest, UsesAConnectionAgainUnlessAnAnswerForbidsIt) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
  const struct {
    std::string answer;
    bool again;
  } kAnswers[] = {{kOk, true},
                  {chunked, true},
                  {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true},
                  {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
                  {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
                  {chunked + "HTTP/1.1 200 OK\r\n", false}};
  for (const auto& [answer, again] : kAnswers) {
    std::atomic<int> connections = 0;
    RawServer server([&, answer = answer](int connection, const std::string&) {
      ++connections;
      do {
        RawServer::write(connection, answer);
      } while (!RawServer::read_request(connection).empty());
    });
    for (int i = 0; i < 3; ++i) {
      ask(server);
      EXPECT_EQ(receiver.body + receiver.error, "ok") << answer;
    }
    EXPECT_EQ(connections, again ? 1 : 3) << answer;
  }
}

TEST_F(Http1ClientTest, ClosesAnIdleConnectionByWhichTheServerSendsSomething) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, kOk);
    char byte;
    EXPECT_EQ(recv(connection, &byte, 1, MSG_DONTWAIT), -1);
    RawServer::write(connection, kOk);
    EXPECT_LE(recv(connection, &byte, 1, 0), 0);
  });
  ask(server);
  run_until([&] { return loop.client->http1_connections() == 0; });
}

TEST_F(Http1ClientTest, KeepsABoundedNumberOfIdleConnections) {
  constexpr std::size_t kRequests = kMaxIdleConnections + 10;
  std::latch all_asked(kRequests);
  RawServer server([&](int connection, const std::string&) {
    all_asked.arrive_and_wait();
    RawServer::write(connection, kOk);
    RawServer::read_request(connection);
  });
  std::vector<RecordingReceiver> receivers(kRequests);
  for (RecordingReceiver& each : receivers) {
    each.transfer = loop.client->start({.url = server.url(), .headers = {}, .body = "{}"}, each);
  }
  run_until([&] { return loop.client->http1_connections() == kMaxIdleConnections; });
  for (const RecordingReceiver& each : receivers) EXPECT_EQ(each.body + each.error, "ok");
}

// --- Requests -------------------------------------------------------------------------------------------------------

TEST_F(Http1ClientTest, TakesAnAnswerThatComesBeforeTheRequestIsSentWhole) {
  std::promise<void> over;
  RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch");
    over.get_future().wait();
  });
  server.read_heads_alone();
  ask(server, std::string(64 << 20, 'x'));
  EXPECT_EQ(receiver.status, 413);
  EXPECT_EQ(receiver.body + receiver.error, "much");
  run_until([&] { return loop.client->http1_connections() == 0; });
  over.set_value();
}

TEST_F(Http1ClientTest, SendsNoHeaderWithALineBreak) {
  RawServer server(answer_with(kOk));
  post({.url = server.url(), .headers = {"X-Bad: a\r\nX-Smuggled: b"}, .body = {}});
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("X-Bad"));
  EXPECT_EQ(receiver.status, 0);
}

TEST_F(Http1ClientTest, SaysWhichUnixSocketItCannotConnectTo) {
  post({.url = "http://api.example/v1", .headers = {}, .body = {}, .unix_socket = directory.file("none.sock")});
  run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("none.sock: No such file"));
}

TEST_F(Http1ClientTest, AsksOverAUnixSocket) {
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

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(Http1ClientTest, AsksForNamesWithoutAThread) {
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

}  // namespace
}  // namespace streaming
