// SPDX-License-Identifier: Apache-2.0
// TCP sockets of tests and of bench/llm-server, which is built without GoogleTest, on ports that the kernel chooses:
// listeners, connections, and a client with its browser.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/unique_fd.h"

namespace streaming {

inline constexpr char kLoopback[] = "127.0.0.1";

inline sockaddr_in tcp_address(const std::string& host, int port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  CHECK(inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  return address;
}

struct TcpListener {
  UniqueFd socket;
  int port = 0;
};

inline TcpListener tcp_listener(const std::string& host = kLoopback, int backlog = 1024) {
  TcpListener listener{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  sockaddr_in address = tcp_address(host);
  socklen_t length = sizeof address;
  auto& generic = reinterpret_cast<sockaddr&>(address);
  CHECK(bind(listener.socket.get(), &generic, length) == 0);
  CHECK(listen(listener.socket.get(), backlog) == 0);
  CHECK(getsockname(listener.socket.get(), &generic, &length) == 0);
  listener.port = ntohs(address.sin_port);
  return listener;
}

// A connection on which nothing was sent; none if no process listens.
inline UniqueFd tcp_connection_to(int port, const std::string& host = kLoopback) {
  UniqueFd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = tcp_address(host, port);
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) connection.reset();
  return connection;
}

// A client, non-blocking as Apache has it, and its browser's end.
inline std::pair<UniqueFd, UniqueFd> tcp_pair() {
  const TcpListener listener = tcp_listener();
  UniqueFd browser = tcp_connection_to(listener.port);
  CHECK(browser);
  UniqueFd client(accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK));
  return {std::move(client), std::move(browser)};
}

}  // namespace streaming
