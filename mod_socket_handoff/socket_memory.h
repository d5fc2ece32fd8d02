// What a process has learned of daemons' sockets: where they are, and which cannot be reached for now.
//
// One for each Apache child, shared by its threads, for as long as the child lives.

#pragma once

#include "mod_socket_handoff/known_sockets.h"
#include "mod_socket_handoff/unreachable_sockets.h"

namespace socket_handoff {

struct SocketMemory {
  KnownSockets known;
  UnreachableSockets unreachable;
};

}  // namespace socket_handoff
