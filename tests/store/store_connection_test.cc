// SPDX-License-Identifier: Apache-2.0
#include "store/store_connection.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "store/limits.h"
#include "support/http_client_loop.h"
#include "support/raw_server.h"
#include "support/store_server.h"
#include "support/tcp_sockets.h"
#include "support/test_certificate.h"

namespace streaming {
namespace {

std::vector<std::string> tls_options(const TestAuthority& authority, int port) {
  return {"--tls-port", std::to_string(port),          "--tls-cert-file", authority.certificate(), "--tls-key-file",
          authority.key(), "--tls-ca-cert-file", authority.authority(), "--tls-auth-clients", "no"};
}

// A worker's part that a connection needs, and a user of it who keeps what it is told.
class StoreConnectionTest : public testing::Test, public StoreConnectionOwner, public StoreRequestOwner {
 protected:
  void connect(const std::string& url, Duration timeout = Duration(kPatience), const TlsContext* tls = nullptr) {
    address = {.url = parse_store_url(url).value(), .tls = tls, .timeout = timeout};
    connection.emplace(*this, "store " + url, address, loop.client->byte_streams(), loop.client->resolver(),
                       loop.timers,
                       StoreConnection::Operations{Operation::kStoreReceive, Operation::kStoreSend,
                                                   Operation::kStoreWritable});
    connection->enter_at(loop.completions);
    connection->open();
  }

  void on_store_ready() override { ++ready; }
  void on_store_lost() override { ++lost; }
  void on_message(const StoreReply& message) override { messages.push_back(line(message)); }
  void on_reply(StoreRequest&, const StoreReply& reply) override { replies.push_back(line(reply)); }
  void on_unanswered(StoreRequest&) override { ++unanswered; }

  // Its texts; of an integer its digits.
  static std::string line(const StoreReply& reply) {
    if (reply.is_error()) return std::string(reply.text());
    std::string texts;
    for (StoreReplyCursor cursor(reply); !cursor.at_end();) {
      if (const auto text = cursor.take_text()) {
        texts.append(texts.empty() ? "" : " ").append(*text);
      } else if (const auto number = cursor.take_integer()) {
        texts.append(texts.empty() ? "" : " ").append(std::to_string(*number));
      } else if (!cursor.take_array()) {
        cursor.skip();
      }
    }
    return texts;
  }

  HttpClientLoop loop;
  StoreAddress address;
  std::optional<StoreConnection> connection;
  std::vector<std::string> replies;
  std::vector<std::string> messages;
  int ready = 0;
  int lost = 0;
  int unanswered = 0;
};

TEST_F(StoreConnectionTest, GetsTheReplyOfEachCommandInOrder) {
  const StoreServer server;
  connect(server.url());
  loop.run_until([this] { return ready == 1; });
  StoreRequest first(*this), second(*this);
  connection->send(first, {"SET", "key", "value"});
  connection->send(first, {"GET", "key"});
  connection->send(second, {"INCR", "counter"});
  connection->send(second, {"NONSENSE"});
  EXPECT_TRUE(first.pending());
  loop.run_until([this] { return replies.size() == 4; });
  EXPECT_EQ(replies[0], "OK");
  EXPECT_EQ(replies[1], "value");
  EXPECT_EQ(replies[2], "1");
  EXPECT_TRUE(replies[3].starts_with("ERR")) << replies[3];
  EXPECT_FALSE(first.pending());
  EXPECT_FALSE(second.pending());
}

TEST_F(StoreConnectionTest, SendsAndReceivesMoreThanFitsASocket) {
  const StoreServer server;
  connect(server.url());
  loop.run_until([this] { return ready == 1; });
  const std::string large(3 * 1024 * 1024, 'x');
  StoreRequest request(*this);
  connection->send(request, {"SET", "key", large});
  connection->send(request, {"GET", "key"});
  loop.run_until([this] { return replies.size() == 2; });
  EXPECT_EQ(replies[0], "OK");
  EXPECT_TRUE(replies[1] == large);
}

TEST_F(StoreConnectionTest, HasNoRoomWhileTheStoreLeavesTooMuchUnanswered) {
  const StoreServer server;
  connect(server.url());
  loop.run_until([this] { return ready == 1; });
  server.pause();
  StoreRequest request(*this);
  std::size_t commands = 0;
  for (const std::string value(64 * 1024, 'x'); connection->has_room(); ++commands) {
    connection->send(request, {"SET", "key", value});
  }
  EXPECT_EQ(commands, kMaxUnansweredStoreBytes / (64 * 1024));
  server.go_on();
  loop.run_until([&] { return replies.size() == commands; });
  EXPECT_TRUE(connection->has_room());
}

TEST_F(StoreConnectionTest, DropsTheRepliesOfARequestThatIsGone) {
  const StoreServer server;
  connect(server.url());
  loop.run_until([this] { return ready == 1; });
  auto gone = std::make_unique<StoreRequest>(*this);
  StoreRequest stays(*this);
  connection->send(*gone, {"SET", "key", "1"});
  connection->send(*gone, {"GET", "key"});
  connection->send(stays, {"INCR", "key"});
  gone.reset();
  loop.run_until([this] { return !replies.empty(); });
  EXPECT_EQ(replies, std::vector<std::string>{"2"});
}

TEST_F(StoreConnectionTest, ReportsEachUnansweredRequestOnceWhenTheStoreEndsAndConnectsAgain) {
  StoreServer server;
  connect(server.url());
  loop.run_until([this] { return ready == 1; });
  server.pause();
  StoreRequest first(*this), second(*this);
  connection->send(first, {"SET", "key", "1"});
  connection->send(second, {"GET", "key"});
  connection->send(first, {"GET", "key"});
  server.stop();
  loop.run_until([this] { return lost == 1; });
  EXPECT_EQ(unanswered, 2);
  EXPECT_FALSE(connection->ready());
  EXPECT_FALSE(first.pending() || second.pending());
  server.start();
  loop.run_until([this] { return ready == 2; });
  connection->send(first, {"GET", "key"});
  loop.run_until([this] { return replies.size() == 1; });
}

TEST_F(StoreConnectionTest, GivesUpAStoreThatDoesNotAnswerInTime) {
  const StoreServer server;
  connect(server.url(), Duration(5000));
  loop.run_until([this] { return ready == 1; });
  server.pause();
  StoreRequest request(*this);
  connection->send(request, {"PING"});
  loop.turn(Duration(0));
  loop.skip(Duration(4000));
  EXPECT_EQ(lost, 0);
  loop.skip(Duration(2000));
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(unanswered, 1);
  server.go_on();
  loop.run_until([this] { return ready == 2; });
}

TEST_F(StoreConnectionTest, GivesUpAStoreThatDoesNotAnswerAPingWhileItWaitsForMessages) {
  const StoreServer server;
  connect(server.url(), Duration(5000));
  loop.run_until([this] { return ready == 1; });
  connection->send_without_reply({"SUBSCRIBE", "news"});
  connection->ping();
  loop.run_until([this] { return messages.size() == 2; });
  EXPECT_EQ(messages[1], "pong ");
  loop.skip(Duration(6000));
  EXPECT_EQ(lost, 0);
  server.pause();
  connection->ping();
  loop.turn(Duration(0));
  loop.skip(Duration(6000));
  EXPECT_EQ(lost, 1);
  server.go_on();
  loop.run_until([this] { return ready == 2; });
}

TEST_F(StoreConnectionTest, LogsInWithAPasswordAndAUserAndTakesItsDatabase) {
  const StoreServer server({"--user", "daemon", "on", ">secret", "~*", "&*", "+@all", "--requirepass", "other"});
  connect(server.url());
  loop.run_until([&] { return connection->failing(); });
  EXPECT_EQ(ready, 0) << "without a password";

  address.url.password = "other";
  loop.run_until([this] { return ready == 1; });
  StoreRequest request(*this);
  connection->send(request, {"ACL", "WHOAMI"});
  loop.run_until([this] { return replies.size() == 1; });
  EXPECT_EQ(replies[0], "default");

  address.url.user = "daemon";
  address.url.password = "secret";
  address.url.database = 5;
  connection->send(request, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"});
  loop.run_until([this] { return ready == 2; });
  connection->send(request, {"ACL", "WHOAMI"});
  connection->send(request, {"CLIENT", "INFO"});
  loop.run_until([this] { return replies.back().find("db=") != std::string::npos; });
  EXPECT_NE(replies.back().find(" db=5 "), std::string::npos) << replies.back();
  EXPECT_NE(replies.back().find(" user=daemon "), std::string::npos) << replies.back();
}

TEST_F(StoreConnectionTest, SpeaksTlsWithAServerWhoseCertificateItTrusts) {
  const TestAuthority authority;
  const int port = tcp_listener(kLoopback).port;  // which is free again
  const StoreServer server(tls_options(authority, port));
  const std::string url = "valkeys://127.0.0.1:" + std::to_string(port);
  const auto tls = TlsContext::create(authority.authority(), false, TlsContext::Protocols::kNone);
  ASSERT_TRUE(tls.ok());
  connect(url, Duration(kPatience), tls->get());
  loop.run_until([this] { return ready == 1; });
  StoreRequest request(*this);
  connection->send(request, {"SET", "key", std::string(100'000, 'x')});
  connection->send(request, {"STRLEN", "key"});
  loop.run_until([this] { return replies.size() == 2; });
  EXPECT_EQ(replies[1], "100000");
}

TEST_F(StoreConnectionTest, LeavesAServerWhoseCertificateItDoesNotTrust) {
  const TestAuthority authority, other;
  const int port = tcp_listener(kLoopback).port;  // which is free again
  const StoreServer server(tls_options(authority, port));
  const auto tls = TlsContext::create(other.authority(), false, TlsContext::Protocols::kNone);
  ASSERT_TRUE(tls.ok());
  connect("valkeys://127.0.0.1:" + std::to_string(port), Duration(kPatience), tls->get());
  loop.run_until([this] { return connection->failing(); });
  EXPECT_EQ(ready, 0);
}

TEST_F(StoreConnectionTest, LeavesAServerThatIsNoStore) {
  const RawServer server([](int client, const std::string&) {
    RawServer::write(client, "HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  connect("valkey://127.0.0.1:" + std::to_string(server.port()));
  address.url.password = "\r\n\r\n";  // ends what RawServer takes for a request
  loop.run_until([this] { return connection->failing(); });
  EXPECT_EQ(ready, 0);
}

TEST_F(StoreConnectionTest, HandsOnWhatTheStoreSendsByItself) {
  const StoreServer server;
  connect(server.url());
  loop.run_until([this] { return ready == 1; });
  connection->send_without_reply({"SUBSCRIBE", "news"});
  loop.run_until([this] { return messages.size() == 1; });
  EXPECT_EQ(messages[0], "subscribe news 1");
}

}  // namespace
}  // namespace streaming
