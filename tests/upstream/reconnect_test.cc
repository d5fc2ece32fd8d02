// SPDX-License-Identifier: Apache-2.0
// Servers whose behaviour could make the daemon open one connection after another: none of them does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <string>

#include "support/http2_server.h"
#include "support/http_client_loop.h"
#include "support/tcp_sockets.h"
#include "support/test_certificate.h"

namespace streaming {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

// Answers the first bytes of each connection with the same bytes, and ends it.
class RudeServer {
 public:
  enum class End { kClose, kReset };

  RudeServer(std::string answer, End end) {
    thread_ = std::thread([this, answer = std::move(answer), end] {
      for (;;) {
        const UniqueFd connection(accept(listener_.socket.get(), nullptr, nullptr));
        if (!connection) return;
        ++connections;
        char bytes[4096];
        recv(connection.get(), bytes, sizeof bytes, 0);
        send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        if (end == End::kReset) setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      }
    });
  }
  ~RudeServer() {
    shutdown(listener_.socket.get(), SHUT_RDWR);
    thread_.join();
  }

  int port() const { return listener_.port; }

  std::atomic<int> connections{0};

 private:
  const TcpListener listener_ = tcp_listener();
  std::thread thread_;
};

class ReconnectTest : public testing::Test {
 protected:
  void start(const std::string& url, RecordingReceiver& to) {
    to.transfer = loop.client->start(HttpRequest{.url = url,
                                                 .headers = {},
                                                 .body = "{}",
                                                 .version = HttpVersion::kHttp2PriorKnowledge,
                                                 .insecure_ssl = true},
                                     to);
  }
  // Runs until it holds; the timers believe that time passes quickly.
  void hurry_until(const std::function<bool()>& condition) {
    loop.run_until([&] {
      loop.skip(Duration(40));
      return condition();
    });
  }
  // Like clients that try repeatedly.
  void ask_again_and_again(const std::string& url) {
    for (int i = 0; i < kRequests; ++i) {
      RecordingReceiver receiver;
      start(url, receiver);
      hurry_until([&] { return receiver.finished; });
      EXPECT_NE(receiver.error, "");
    }
  }

  static constexpr int kRequests = 60;
  static constexpr int kFew = 20;

  TestCertificate certificate;
  HttpClientLoop loop;
};

TEST_F(ReconnectTest, EndsARequestWithAServerThatSaysGoodbyeInTheTlsHandshake) {
  RudeServer server("\x15\x03\x03\x00\x02\x01\x00"s, RudeServer::End::kClose);
  RecordingReceiver receiver;
  start("https://127.0.0.1:" + std::to_string(server.port()), receiver);
  loop.run_until([&] { return receiver.finished; });
  EXPECT_THAT(receiver.error, HasSubstr("TLS handshake"));
  EXPECT_EQ(server.connections, 1);
}

TEST_F(ReconnectTest, ConnectsSeldomToAServerWhoseConnectionsAreOfNoUse) {
  const std::string settings = "\0\0\0\4\0\0\0\0\0"s;
  const std::string going_away = "\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
  struct Behaviour {
    const char* name;
    const char* scheme;
    std::string answer;
    RudeServer::End end;
  };
  for (const Behaviour& behaviour : std::initializer_list<Behaviour>{
           {"close_notify in the handshake", "https", "\x15\x03\x03\x00\x02\x01\x00"s, RudeServer::End::kClose},
           {"an alert in the handshake", "https", "\x15\x03\x03\x00\x02\x02\x28"s, RudeServer::End::kClose},
           {"a connection that is closed", "https", "", RudeServer::End::kClose},
           {"a connection that is reset", "http", "", RudeServer::End::kReset},
           {"no HTTP/2", "http", "SSH-2.0-OpenSSH\r\n", RudeServer::End::kClose},
           {"settings and the end", "http", settings, RudeServer::End::kClose},
           {"an immediate GOAWAY", "http", settings + going_away, RudeServer::End::kClose}}) {
    SCOPED_TRACE(behaviour.name);
    RudeServer server(behaviour.answer, behaviour.end);
    ask_again_and_again(behaviour.scheme + "://127.0.0.1:"s + std::to_string(server.port()));
    EXPECT_GE(server.connections, 1);
    EXPECT_LE(server.connections, kFew);
  }
}

TEST_F(ReconnectTest, ConnectsSeldomToAServerThatRefusesEachRequestUnread) {
  Http2Server server({}, [](Http2Server& self, const Http2Server::Request& request) {
    self.reset(request, NGHTTP2_REFUSED_STREAM);
  });
  ask_again_and_again(server.url());
  EXPECT_LE(server.connections, static_cast<std::uint64_t>(kFew));
}

TEST_F(ReconnectTest, OpensFewConnectionsToAServerThatAllowsNoStreamsAndEndsWhatWaits) {
  Http2Server server({.key = {}, .certificate = {}, .max_streams = 0}, [](Http2Server&, const Http2Server::Request&) {});
  std::deque<RecordingReceiver> receivers(600);
  for (RecordingReceiver& each : receivers) start(server.url(), each);
  hurry_until([&] {
    return std::all_of(receivers.begin(), receivers.end(), [](const auto& each) { return each.finished; });
  });
  EXPECT_THAT(receivers.back().error, HasSubstr("allows no streams"));
  EXPECT_LE(server.connections, static_cast<std::uint64_t>(kFew));
}

TEST_F(ReconnectTest, AsksAServerAgainThatHasRecovered) {
  std::atomic<bool> refuses = true;
  Http2Server server({}, [&](Http2Server& self, const Http2Server::Request& request) {
    if (refuses) return self.reset(request, NGHTTP2_REFUSED_STREAM);
    self.answer(request, "ok");
  });
  ask_again_and_again(server.url());
  refuses = false;
  RecordingReceiver receiver;
  hurry_until([&] {
    if (receiver.finished && receiver.body != "ok") receiver = RecordingReceiver{};
    if (!receiver.finished && receiver.transfer == nullptr) start(server.url(), receiver);
    return receiver.body == "ok";
  });
}

}  // namespace
}  // namespace streaming
