// SPDX-License-Identifier: Apache-2.0
// What an Apache child keeps between hand-offs, and what all children of an Apache share.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <atomic>

#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/outcome.h"

namespace socket_handoff {

// In anonymous memory that the parent maps once and all children inherit. Outlives graceful restarts, and leaves
// nothing behind however the server ends. Any thread of any child may use it.
struct SharedMemory {
  std::atomic<unsigned long> outcomes[kOutcomes];  // counted since the server was started
  std::atomic<bool> has_relayed;
  std::atomic<bool> has_met_silent_daemon;
  std::atomic<bool> has_met_relaying_daemon;
  AcknowledgedSockets acknowledged;
  std::atomic<unsigned long> waits[kWaits];
};
static_assert(std::atomic<unsigned long>::is_always_lock_free);

// For the hook post_config.
int create_shared_memory(apr_pool_t* configuration, apr_pool_t* log, apr_pool_t* temporary, server_rec* server);

// Null if there was no memory to map: then nothing is counted, and each child learns alone.
SharedMemory* shared_memory();

// Created before the child's threads are, and never destroyed, because threads may outlive the child's pools: the end
// of the process closes its descriptors. Threads share it.
struct ChildProcess {
  DeadSocket dead_socket = DeadSocket::create();  // empty if the child began without descriptors
  AcknowledgedSockets acknowledged_here;          // used if there is no shared memory
  SocketMemory sockets{.known = {},
                       .acknowledged = shared_memory() ? shared_memory()->acknowledged : acknowledged_here};
};

// For the hook child_init.
void create_child_process(apr_pool_t* pool, server_rec* server);

// After child_init.
ChildProcess& child_process();

}  // namespace socket_handoff
