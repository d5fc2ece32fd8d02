// SPDX-License-Identifier: Apache-2.0
// RawServer: a server that sends the test's bytes, with a thread for each connection, on a free port or at a path.

#pragma once

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "support/tcp_sockets.h"

namespace streaming {

class RawServer {
 public:
  using Serve = std::function<void(int connection, const std::string& request)>;

  explicit RawServer(Serve serve, const std::string& host = kLoopback) : listener_(tcp_listener(host)) {
    start(std::move(serve));
  }
  RawServer(const std::string& path, Serve serve)
      : listener_{UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listener_.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.socket.get(), 1024), 0);
    start(std::move(serve));
  }
  ~RawServer() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      shutdown(listener_.socket.get(), SHUT_RDWR);
      for (const UniqueFd& connection : connections_) shutdown(connection.get(), SHUT_RDWR);
    }
    accepting_.join();
    for (std::thread& thread : serving_) thread.join();
  }

  // From now on requests are served when their heads are there.
  void read_heads_alone() { heads_alone_ = true; }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port) + "/v1?a=b"; }
  int port() const { return listener_.port; }

  static void write(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Ends the connection with RST, as a peer that crashes or a firewall does.
  static void reset(int connection) {
    const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
    EXPECT_EQ(connect(connection, &none, sizeof none), 0);
  }

  // Head and body of a request; Content-Length gives the body's length. Empty if the client has closed.
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
  // May read a part of the body.
  static std::string read_head(int connection) {
    std::string request;
    char bytes[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(connection, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      request.append(bytes, static_cast<std::size_t>(got));
    }
    return request;
  }

  void start(Serve serve) {
    serve_ = std::move(serve);
    accepting_ = std::thread([this] {
      for (;;) {
        UniqueFd connection(accept(listener_.socket.get(), nullptr, nullptr));
        if (!connection) return;
        const int on = 1;
        setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on a Unix socket
        const std::lock_guard lock(mutex_);
        if (over_) return;
        const int fd = connections_.emplace_back(std::move(connection)).get();
        serving_.emplace_back([this, fd] {
          serve_(fd, heads_alone_ ? read_head(fd) : read_request(fd));
          shutdown(fd, SHUT_RDWR);
        });
      }
    });
  }

  TcpListener listener_;  // may be a Unix socket's
  Serve serve_;
  std::mutex mutex_;                   // for the members that the accepting thread and the destructor share
  std::vector<UniqueFd> connections_;  // kept until the end
  std::vector<std::thread> serving_;
  bool over_ = false;
  std::atomic<bool> heads_alone_ = false;
  std::thread accepting_;
};

}  // namespace streaming
