#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/socket_memory.h"

namespace socket_handoff {

struct ChildProcess {
  DeadSocket dead_socket = DeadSocket::create();  // empty where the child began without descriptors
  SocketMemory sockets{.known = {}, .unreachable = {}, .acknowledged = acknowledged_sockets()};
};

// The hook for a child that begins.
void create_child_process(apr_pool_t* pool, server_rec* server);

ChildProcess& child_process();

}  // namespace socket_handoff
