// SPDX-License-Identifier: Apache-2.0
#include "bench/daemon_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/send_descriptor.h"

namespace streaming::bench {

Result<DaemonSocket> DaemonSocket::create(const std::string& path) {
  DaemonSocket socket;
  if (path.size() >= sizeof socket.address_.sun_path) return Error{"the socket's path is too long: " + path};
  socket.address_.sun_family = AF_UNIX;
  std::memcpy(socket.address_.sun_path, path.c_str(), path.size() + 1);
  socket.type_ = SOCK_SEQPACKET;
  return socket;
}

Result<UniqueFd> DaemonSocket::connect_as_type() {
  UniqueFd connection(::socket(AF_UNIX, type_ | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connection) return Error::from_errno("cannot make a socket", errno);
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0) {
    return Error::from_errno(std::string("cannot connect to ") + address_.sun_path, errno);
  }
  return connection;
}

Result<UniqueFd> DaemonSocket::connect() {
  Result<UniqueFd> connection = connect_as_type();
  if (connection.ok() || connection.error().code != EPROTOTYPE || type_ == SOCK_STREAM) return connection;
  type_ = SOCK_STREAM;
  return connect_as_type();
}

Status DaemonSocket::hand_off(int connection, int client, std::string_view payload) {
  const ssize_t sent = send_descriptor(connection, payload, client, 0);
  if (sent < 0) return Error::from_errno("cannot hand over a client", errno);
  if (static_cast<std::size_t>(sent) < payload.size()) return Error{"the socket took only a part of the payload", 0};
  return success();
}

// ETOOMANYREFS: messages in flight hold as many descriptors as the process may open.
bool DaemonSocket::passes(const Error& error) {
  return error.code == EAGAIN || error.code == ETOOMANYREFS || error.code == EMFILE;
}

}  // namespace streaming::bench
