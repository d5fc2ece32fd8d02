#include "mod_socket_handoff/daemon_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "mod_socket_handoff/deadline.h"
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

void attempt(DaemonConnection& connection, const char* path, const char* allowed_prefix) {
  ++connection.attempts;
  // Opened anew by each attempt: a daemon that was restarted has a new socket under the same name.
  const SocketFile file = open_socket_file(path, allowed_prefix);
  connection.problem = file.problem;
  connection.error = file.error;
  if (!file.pin || file.problem != PathProblem::kNone) return;

  connection.socket = connect_as(SOCK_SEQPACKET, file.pin, connection.error);
  // The listener is of the other kind, as the daemons of the first generation are.
  if (connection.error == EPROTOTYPE) connection.socket = connect_as(SOCK_STREAM, file.pin, connection.error);
}

// Errors that a daemon which is starting, restarting or busy causes, and that may be gone in a moment.
bool may_pass(int error) {
  return error == ENOENT || error == ECONNREFUSED || error == EAGAIN;
}

void sleep_for(std::chrono::microseconds pause) {
  ::poll(nullptr, 0, static_cast<int>((pause.count() + 999) / 1000));
}

}  // namespace

DaemonConnection connect_to_daemon(const char* path, const char* allowed_prefix, const RetrySchedule& schedule) {
  const Deadline deadline(schedule.time_allowed());
  DaemonConnection connection;
  for (int retry = 0;; ++retry) {
    attempt(connection, path, allowed_prefix);
    if (connection.socket || connection.problem != PathProblem::kNone) break;
    if (!may_pass(connection.error) || !schedule.allows_retry(retry) || deadline.has_passed()) break;
    sleep_for(std::min(schedule.pause_before(retry), deadline.remaining()));
  }
  return connection;
}

}  // namespace socket_handoff
