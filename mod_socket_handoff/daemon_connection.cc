#include "mod_socket_handoff/daemon_connection.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>

#include "mod_socket_handoff/socket_file.h"

namespace socket_handoff {
namespace {

UniqueDescriptor connect_as(int type, const UniqueDescriptor& socket_file, int& error) {
  UniqueDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    error = errno;
    return {};
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", socket_file.get());
  // Unix sockets connect at once or not at all: non-blocking means that a full backlog is EAGAIN and not a wait.
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    error = errno;
    return {};
  }
  error = 0;
  return socket;
}

}  // namespace

DaemonConnection connect_to_daemon(const char* path, std::span<const char* const> allowed_prefixes) {
  DaemonConnection connection;
  const SocketFile file = open_socket_file(path, allowed_prefixes);
  connection.problem = file.problem;
  connection.error = file.error;
  if (!file.pin || file.problem != PathProblem::kNone) return connection;

  connection.socket = connect_as(SOCK_SEQPACKET, file.pin, connection.error);
  // The listener is of the other kind, as the daemons of the first generation are.
  if (connection.error == EPROTOTYPE) connection.socket = connect_as(SOCK_STREAM, file.pin, connection.error);
  return connection;
}

}  // namespace socket_handoff
