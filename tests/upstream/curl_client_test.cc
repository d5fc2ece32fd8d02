// libcurl on the real ring, against a server that sends the bytes the test says.

#include "upstream/curl_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <functional>
#include <thread>

#include "ring/uring_ring.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Accepts one connection after the other on a free port and serves each as the test says.
class RawServer {
 public:
  explicit RawServer(std::function<void(int connection, const std::string& request)> serve)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 16), 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (;;) {
        const UniqueFd connection(accept(listener_.get(), nullptr, nullptr));
        if (!connection) return;
        serve(connection.get(), read_request(connection.get()));
      }
    });
  }
  ~RawServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

  static void write(int connection, std::string_view bytes) {
    EXPECT_EQ(send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  // Head and body; the body's length is what Content-Length says. Empty when the client has closed.
  static std::string read_request(int connection) {
    std::string request;
    char bytes[4096];
    for (;;) {
      const std::size_t head_end = request.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        const std::size_t at = request.find("Content-Length: ");
        const std::size_t length = at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
        if (request.size() >= head_end + 4 + length) return request;
      }
      const ssize_t got = recv(connection, bytes, sizeof bytes, 0);
      if (got <= 0) return request;
      request.append(bytes, static_cast<std::size_t>(got));
    }
  }

 private:
  UniqueFd listener_;
  int port_ = 0;
  std::thread thread_;
};

struct RecordingReceiver final : HttpReceiver {
  void on_head(const HttpHead& head) override {
    EXPECT_EQ(status, 0) << "only once";
    status = head.status;
    content_type = head.content_type;
    retry_after = head.retry_after;
    content_location = head.content_location;
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    on_body_hook();
  }
  void on_finished(std::string_view new_error) override {
    finished = true;
    error = new_error;
    transfer.reset();
  }

  std::unique_ptr<HttpTransfer> transfer;
  int status = 0;
  std::string content_type, retry_after, content_location, body, error;
  bool finished = false;
  std::function<void()> on_body_hook = [] {};
};

class CurlClientTest : public testing::Test, private CompletionHandler {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(CurlClient::start_library().ok()); }

  void SetUp() override {
    Result<std::unique_ptr<Ring>> made =
        UringRing::create({.client_files = 1, .connection_files = 1, .receive_buffers = 1, .receive_bytes = 16});
    ASSERT_TRUE(made.ok()) << made.error().message;
    ring = std::move(*made);
    ASSERT_TRUE(ring->enable().ok());
    client.emplace(*ring, timers);
  }

  void post(const std::string& url, std::string body = "{}") {
    receiver.transfer = client->start(
        HttpRequest{.url = url, .headers = {"X-Custom: 1"}, .body = std::move(body), .version = HttpVersion::kHttp11}, receiver);
  }
  // Turns the loop until `condition` holds; fails the test when ten seconds have not brought it.
  void run_until(const std::function<bool()>& condition) {
    const Time deadline = MonotonicClock::now() + std::chrono::seconds(10);
    while (!condition()) {
      ASSERT_LT(MonotonicClock::now(), deadline) << "the condition never held";
      turn(Duration(50));
    }
  }
  void turn(Duration at_most) {
    const std::optional<Time> next = timers.next_expiry();
    const Duration wait = next ? std::clamp(*next - timers.now(), Duration(0), at_most) : at_most;
    ASSERT_TRUE(ring->wait(std::chrono::nanoseconds(wait).count()).ok());
    timers.set_now(MonotonicClock::now());
    ring->dispatch(*this);
    timers.expire();
  }

  TimerWheel timers{MonotonicClock::now()};
  std::unique_ptr<Ring> ring;
  std::optional<CurlClient> client;
  RecordingReceiver receiver;

 private:
  void on_completion(const Completion& completion) override { client->on_socket_ready(completion); }
};

TEST_F(CurlClientTest, PostsAndHandsTheAnswerOutAsItComes) {
  std::string request;
  RawServer server([&](int connection, const std::string& got) {
    request = got;
    RawServer::write(connection,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\n");
    RawServer::write(connection, "6\r\n world\r\n0\r\n\r\n");
  });
  post(server.url(), "{\"a\":1}");
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.content_type, "text/event-stream");
  EXPECT_EQ(receiver.body, "hello world");
  EXPECT_EQ(receiver.error, "");
  EXPECT_THAT(request, StartsWith("POST /v1 HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nX-Custom: 1\r\n"));
  EXPECT_THAT(request, testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST_F(CurlClientTest, SendsALargeBodyWithoutAskingForLeave) {
  std::string request;
  RawServer server([&](int connection, const std::string& got) {
    request = got;
    RawServer::write(connection, "HTTP/1.1 204 No Content\r\n\r\n");
  });
  post(server.url(), std::string(2 << 20, 'x'));
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 204);
  EXPECT_THAT(request.substr(0, 500), Not(HasSubstr("Expect")));
  EXPECT_GT(request.size(), std::size_t{2} << 20);
}

TEST_F(CurlClientTest, HandsOutTheFinalHeadWithWhatSaysWhereAndWhen) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection,
                     "HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"
                     "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nContent-Location: /threads/t/runs/r\r\n"
                     "Content-Length: 0\r\n\r\n");
  });
  post(server.url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.status, 429);
  EXPECT_EQ(receiver.retry_after, "7");
  EXPECT_EQ(receiver.content_location, "/threads/t/runs/r");
  EXPECT_EQ(receiver.content_type, "");
}

TEST_F(CurlClientTest, SaysWhyItCannotConnect) {
  std::string url;
  {
    url = RawServer([](int, const std::string&) {}).url();
  }
  post(url);
  run_until([&] { return receiver.finished; });
  EXPECT_NE(receiver.error, "");
  EXPECT_EQ(receiver.status, 0);
}

TEST_F(CurlClientTest, SeesABodyThatIsCutOff) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  post(server.url());
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body, "only this");
  EXPECT_NE(receiver.error, "");
}

TEST_F(CurlClientTest, ClosesTheConnectionAtOnceWhenTheRequestIsCancelled) {
  std::atomic<bool> server_saw_the_end{false};
  RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    char byte;
    EXPECT_LE(recv(connection, &byte, 1, 0), 0);
    server_saw_the_end = true;
  });
  receiver.on_body_hook = [&] { receiver.transfer.reset(); };
  post(server.url());
  run_until([&] { return server_saw_the_end.load(); });
  EXPECT_FALSE(receiver.finished) << "a cancelled receiver is not called again";
}

TEST_F(CurlClientTest, HoldsTheBodyBackWhilePausedAndLosesNothing) {
  const std::string large(4 << 20, 'y');
  RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n");
    RawServer::write(connection, large);
  });
  bool paused_once = false;
  receiver.on_body_hook = [&] {
    if (!std::exchange(paused_once, true)) receiver.transfer->pause();
  };
  post(server.url());
  run_until([&] { return paused_once; });
  const std::size_t when_paused = receiver.body.size();
  for (int i = 0; i < 20; ++i) turn(Duration(5));
  EXPECT_EQ(receiver.body.size(), when_paused);
  receiver.transfer->resume();
  run_until([&] { return receiver.finished; });
  EXPECT_EQ(receiver.body.size(), large.size());
  EXPECT_EQ(receiver.error, "");
}

TEST_F(CurlClientTest, UsesAConnectionAgainWhoseAnswerHasSaidAllThatMatters) {
  constexpr char kEnough[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nenough\r\n";
  std::atomic<int> connections{0};
  std::atomic<bool> client_has_enough{false};
  RawServer server([&](int connection, const std::string&) {
    ++connections;
    do {
      RawServer::write(connection, kEnough);
      while (!client_has_enough) std::this_thread::yield();
      RawServer::write(connection, "0\r\n\r\n");
    } while (!RawServer::read_request(connection).empty());
  });
  for (int i = 0; i < 3; ++i) {
    client_has_enough = false;
    receiver.body.clear();
    receiver.status = 0;
    post(server.url());
    run_until([&] { return receiver.body == "enough"; });
    receiver.transfer->let_finish();
    receiver.transfer.reset();
    client_has_enough = true;
    run_until([&] { return !client->finishing(); });
  }
  EXPECT_EQ(connections, 1);
  EXPECT_FALSE(receiver.finished) << "nobody waits for the rest";
  client.reset();  // closes the connection
}

TEST_F(CurlClientTest, LosesPatienceWithAnAnswerThatDoesNotEnd) {
  std::atomic<bool> server_saw_the_end{false};
  RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nenough\r\n");
    char byte;
    EXPECT_LE(recv(connection, &byte, 1, 0), 0);
    server_saw_the_end = true;
  });
  post(server.url());
  run_until([&] { return receiver.body == "enough"; });
  receiver.transfer->let_finish();
  receiver.transfer.reset();
  run_until([&] { return server_saw_the_end.load(); });
}

TEST_F(CurlClientTest, CancelsAnEndedRequestWithoutHarm) {
  RawServer server([](int connection, const std::string&) {
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  for (int i = 0; i < 3; ++i) {
    receiver = RecordingReceiver{};
    post(server.url());
    run_until([&] { return receiver.finished; });
    EXPECT_EQ(receiver.body, "ok");
  }
}

}  // namespace
}  // namespace streaming
