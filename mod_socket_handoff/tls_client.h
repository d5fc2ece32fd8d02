// SPDX-License-Identifier: Apache-2.0
// A client over TLS whose records mod_ssl makes: what the module learns of the connection while it lives, and the state
// that a daemon needs to go on with it.
//
// mod_ssl offers two optional hooks for this. They are found by name, so neither the order of the modules nor a missing
// mod_ssl matters. No hook does anything unless a section of the configuration has SocketHandoffTLS On. A client that is
// handed over leaves mod_ssl with a connection that it cannot write to.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/verdict.h"
#include "protocol/connection_part.h"

namespace socket_handoff {

// For the function that registers hooks.
void register_tls_hooks();

// While the configuration is read: a section has SocketHandoffTLS On.
void expect_tls_clients();

// Whether the client's connection stands between two records whose keys and numbers are all known, and nothing of it is
// left in Apache. Then fills `tls`. Earlier responses must have been flushed. Reads nothing from the network.
Verdict read_tls_state(conn_rec* c, handoff_protocol::TlsState& tls);

// After the hand-off: mod_ssl writes no more, keeps the session for resumption, and the secrets are wiped.
void release_tls(conn_rec* c);

}  // namespace socket_handoff
