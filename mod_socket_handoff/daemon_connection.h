// One attempt to connect to a daemon's socket, which is looked up and checked where it is not known already. Never
// blocks.

#pragma once

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/known_sockets.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

struct DaemonConnection {
  UniqueDescriptor socket;                   // non-blocking; none when the daemon was not reached
  int type = 0;                              // SOCK_SEQPACKET or SOCK_STREAM, where it was
  std::uint64_t identity = 0;                // of the socket's file, as KnownSockets has it; 0 where it is not kept
  PathProblem problem = PathProblem::kNone;  // the path is refused and nothing was connected to
  int error = 0;                             // errno otherwise
};

DaemonConnection connect_to_daemon(KnownSockets& known, const char* path, const SocketRules& rules);

}  // namespace socket_handoff
