#include "mod_socket_handoff/daemon_connection.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <utility>

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

// False where the socket is not known.
bool connect_to_known(KnownSockets& known, const char* path, std::span<const char* const> allowed_prefixes,
                      DaemonConnection& connection) {
  const KnownSockets::Lent lent = known.find(path);
  if (!lent) return false;
  connection.problem = check_resolved_path(lent->resolved, allowed_prefixes);
  if (connection.problem == PathProblem::kNone) {
    connection.socket = connect_as(lent->type, lent->file, connection.error);
  }
  return connection.error != EPROTOTYPE;
}

}  // namespace

DaemonConnection connect_to_daemon(KnownSockets& known, const char* path,
                                   std::span<const char* const> allowed_prefixes) {
  DaemonConnection connection;
  if (connect_to_known(known, path, allowed_prefixes, connection)) return connection;

  SocketFile file = open_socket_file(path, allowed_prefixes);
  connection.problem = file.problem;
  connection.error = file.error;
  if (!file.pin || file.problem != PathProblem::kNone) return connection;

  int type = SOCK_SEQPACKET;
  connection.socket = connect_as(type, file.pin, connection.error);
  if (connection.error ==
      EPROTOTYPE) {  // the listener is of the other kind, as the daemons of the first generation are
    type = SOCK_STREAM;
    connection.socket = connect_as(type, file.pin, connection.error);
  }
  if (connection.socket) known.keep(path, file.resolved.text(), type, std::move(file.pin));
  return connection;
}

}  // namespace socket_handoff
