// SPDX-License-Identifier: Apache-2.0
#include "bench/client_sockets.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace streaming::bench {
namespace {

// A pair of addresses has 28,000 ephemeral ports, and a used one is blocked for a minute. So clients connect to
// 127.0.0.1 to 127.0.0.16 in turn.
constexpr std::uint32_t kListeners = 16;

Error failed(const char* what) {
  return Error::from_errno(what, errno);
}

}  // namespace

Result<ClientSockets> ClientSockets::create(ClientKind kind) {
  ClientSockets sockets(kind);
  for (std::uint32_t i = 0; kind != ClientKind::kUnix && i < kListeners; ++i) {
    if (Status listening = sockets.listen_on(INADDR_LOOPBACK + i); !listening) return listening.error();
  }
  return sockets;
}

Status ClientSockets::listen_on(std::uint32_t host) {
  Listener listener{UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), {}};
  listener.address.sin_family = AF_INET;
  listener.address.sin_addr.s_addr = htonl(host);
  auto* address = reinterpret_cast<sockaddr*>(&listener.address);
  socklen_t length = sizeof listener.address;
  if (!listener.socket || bind(listener.socket.get(), address, length) != 0 || listen(listener.socket.get(), 16) != 0 ||
      getsockname(listener.socket.get(), address, &length) != 0) {
    return failed("cannot listen on loopback");
  }
  listeners_.push_back(std::move(listener));
  return success();
}

Result<ClientPair> ClientSockets::make() {
  return kind_ == ClientKind::kUnix ? make_unix() : make_tcp();
}

Result<ClientPair> ClientSockets::make_unix() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return failed("cannot make a socket pair");
  }
  return ClientPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// On loopback connect() returns when the connection waits in the listener's backlog.
Result<ClientPair> ClientSockets::make_tcp() {
  const Listener& listener = listeners_[next_listener_++ % listeners_.size()];
  ClientPair pair{UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), {}};
  if (!pair.near) return failed("cannot make a client's socket");
  const auto* address = reinterpret_cast<const sockaddr*>(&listener.address);
  if (connect(pair.near.get(), address, sizeof listener.address) != 0) return failed("cannot connect a client");
  pair.handed.reset(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!pair.handed) return failed("cannot accept a client");
  // httpd sets it too. The generator sends nothing, so its own end does not need it.
  constexpr int kOn = 1;
  setsockopt(pair.handed.get(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  if (fcntl(pair.near.get(), F_SETFL, O_NONBLOCK) != 0) return failed("cannot make a client non-blocking");
  return pair;
}

}  // namespace streaming::bench
