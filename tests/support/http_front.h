// What Apache and PHP are to the daemon, for clients that speak HTTP: a server on a port that the kernel chooses that
// hands each connection over, with the request's body, or the parameter `payload` of its query, as the payload. A
// repeat of what has ended (Last-Event-ID: done) it answers with 204, as the PHP side does.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <thread>

#include "support/unix_sockets.h"

namespace streaming {

class HttpFront {
 public:
  explicit HttpFront(std::string daemon_socket) : daemon_socket_(std::move(daemon_socket)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_.get(), 64), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpFront() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  int port() const { return port_; }

 private:
  void serve() {
    while (true) {
      const UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      answer(client);
    }
  }

  void answer(const UniqueFd& client) const {
    std::string request;
    std::size_t head_end = std::string::npos;
    while ((head_end = request.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more(client, request)) return;
    }
    std::string head = request.substr(0, head_end + 2);
    if (header(head, "last-event-id") == "done") {
      const std::string_view gone = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
      send(client.get(), gone.data(), gone.size(), MSG_NOSIGNAL);
      return;
    }
    const std::string body_length = header(head, "content-length");
    const std::size_t whole = head_end + 4 + (body_length.empty() ? 0 : std::stoul(body_length));
    while (request.size() < whole) {
      if (!read_more(client, request)) return;
    }
    const std::string payload = body_length.empty() ? payload_of_query(head) : request.substr(head_end + 4);
    const int on = 1;
    setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::array descriptors{client.get()};
    send_message(connect_to(daemon_socket_).get(), payload, descriptors);
  }

  static bool read_more(const UniqueFd& client, std::string& request) {
    std::array<char, 4096> bytes;
    const ssize_t got = recv(client.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) request.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  // Empty when it is not there.
  static std::string header(std::string head, const std::string& name) {
    std::transform(head.begin(), head.end(), head.begin(), [](unsigned char byte) { return std::tolower(byte); });
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }

  static std::string payload_of_query(const std::string& head) {
    const std::size_t begin = head.find("?payload=") + 9;
    std::string payload;
    for (std::size_t at = begin; head[at] != ' '; ++at) {
      if (head[at] == '%') {
        payload += static_cast<char>(std::stoi(head.substr(at + 1, 2), nullptr, 16));
        at += 2;
      } else {
        payload += head[at];
      }
    }
    return payload;
  }

  const std::string daemon_socket_;
  UniqueFd listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port_ = 0;
  std::thread thread_;
};

}  // namespace streaming
