// SPDX-License-Identifier: Apache-2.0
// Http2Server: a real HTTP/2 server (nghttp2), with or without TLS, that the test controls. It has its own thread and a
// port that the kernel chooses.
//
// The script is called on that thread when a request is complete. Other threads use run().

#pragma once

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "support/tcp_sockets.h"

namespace streaming {

class Http2Server {
 public:
  struct Options {
    std::string key, certificate;     // files; empty: without TLS
    std::string protocol = "h2";      // chosen by ALPN
    std::uint32_t max_streams = 100;  // on one connection
    std::string host = kLoopback;     // an address of the machine
  };
  // A request, and the names of its answer.
  struct Request {
    std::uint64_t connection = 0;  // 1, 2, ... in their order
    std::int32_t stream = 0;
    std::map<std::string, std::string> headers;
    std::string body;
  };
  using Script = std::function<void(Http2Server&, const Request&)>;
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Http2Server(Options options, Script script);
  ~Http2Server();

  int port() const { return port_; }
  std::string origin() const { return origin(options_.host); }
  std::string origin(const std::string& host) const {
    return (options_.key.empty() ? "http://" : "https://") + host + ":" + std::to_string(port_);
  }
  std::string url() const { return url(options_.host); }
  std::string url(const std::string& host) const { return origin(host) + "/v1?a=b"; }

  // --- On the server's thread ---

  void respond(const Request& request, int status, const Headers& headers = {});
  void send(const Request& request, std::string_view bytes);
  void end(const Request& request);
  void answer(const Request& request, std::string_view body) {
    respond(request, 200);
    send(request, body);
    end(request);
  }
  void reset(const Request& request, std::uint32_t code);
  // False if either side has ended the stream or cut the connection.
  bool is_open(const Request& request) { return find(request) != nullptr; }
  // Reports that no stream above `last_stream` was processed.
  void go_away(std::uint64_t connection, std::int32_t last_stream);
  // Closes without GOAWAY and close_notify.
  void cut(std::uint64_t connection);
  void after(std::chrono::milliseconds delay, std::function<void()> function);

  // --- Any thread ---

  void run(std::function<void()> function);

  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> closed_connections{0};
  std::atomic<std::uint64_t> resumed_connections{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint32_t> most_streams{0};  // at one time on one connection
  std::atomic<std::uint64_t> pings{0};
  std::atomic<std::uint64_t> sent_bytes{0};  // of bodies
  std::atomic<bool> answers_pings{true};     // false: it stops reading

 private:
  struct Stream;
  struct Connection;

  void serve();
  void accept_all();
  void on_ready(Connection& connection);
  void read(Connection& connection);
  void write(Connection& connection);
  void close(std::uint64_t id);
  int ms_to_next_timer() const;
  void run_what_is_due();
  Stream* find(const Request& request);
  Connection* find(std::uint64_t connection);

  static nghttp2_session_callbacks* callbacks();

  const Options options_;
  const Script script_;
  SSL_CTX* context_ = nullptr;
  UniqueFd listener_, poll_, wakeup_;
  int port_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> open_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> timers_;
  std::mutex mutex_;  // for the thread's orders
  std::vector<std::function<void()>> asked_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace streaming
