// What a process has learned of daemons' sockets: where they are, which cannot be reached for now, and which
// acknowledge.
//
// One for each Apache child, shared by its threads, for as long as the child lives; the last part is all children's.

#pragma once

#include "mod_socket_handoff/acknowledged_sockets.h"
#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/unreachable_sockets.h"

namespace socket_handoff {

struct SocketMemory {
  KnownSockets known;
  UnreachableSockets unreachable;
  AcknowledgedSockets& acknowledged;
};

}  // namespace socket_handoff
