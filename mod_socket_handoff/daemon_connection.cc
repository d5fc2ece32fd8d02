#include "mod_socket_handoff/daemon_connection.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "mod_socket_handoff/socket_file.h"

namespace socket_handoff {
namespace {

void connect_as(int type, const UniqueDescriptor& socket_file, const SocketRules& rules, DaemonConnection& connection) {
  connection.error = 0;
  if (type == SOCK_STREAM) connection.problem = problem_of_stream_socket(rules.stream_sockets);
  if (connection.problem != PathProblem::kNone) return;

  UniqueDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", socket_file.get());
  // Unix sockets connect at once or not at all: non-blocking means that a full backlog is EAGAIN and not a wait.
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    connection.error = errno;
    return;
  }
  connection.socket = std::move(socket);
  connection.type = type;
}

// False where the socket is not known.
bool connect_to_known(KnownSockets& known, const char* path, const SocketRules& rules, DaemonConnection& connection) {
  const KnownSockets::Lent lent = known.find(path);
  if (!lent) return false;
  connection.problem = check_resolved_path(lent->resolved, rules.allowed_prefixes);
  if (connection.problem == PathProblem::kNone) connect_as(lent->type, lent->file, rules, connection);
  connection.identity = lent->identity;
  return connection.error != EPROTOTYPE;
}

}  // namespace

DaemonConnection connect_to_daemon(KnownSockets& known, const char* path, const SocketRules& rules) {
  DaemonConnection connection;
  if (connect_to_known(known, path, rules, connection)) return connection;

  SocketFile file = open_socket_file(path, rules.allowed_prefixes);
  connection.problem = file.problem;
  connection.error = file.error;
  if (!file.pin || file.problem != PathProblem::kNone) return connection;

  connect_as(SOCK_SEQPACKET, file.pin, rules, connection);
  // The listener is of the other type. It has noticed nothing so far.
  if (connection.error == EPROTOTYPE) connect_as(SOCK_STREAM, file.pin, rules, connection);
  if (connection.socket) {
    connection.identity = known.keep(path, file.resolved.text(), connection.type, std::move(file.pin));
  }
  return connection;
}

}  // namespace socket_handoff
