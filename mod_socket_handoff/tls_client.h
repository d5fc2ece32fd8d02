// SPDX-License-Identifier: Apache-2.0
// A client over TLS whose records mod_ssl makes: what the module learns of the connection while it lives, and the state
// that a daemon needs to go on with it.
//
// mod_ssl offers two optional hooks for this. They are found by name, so neither the order of the modules nor a missing
// mod_ssl matters. No hook does anything unless a section of the configuration has SocketHandoffTLS On. A client that is
// handed over leaves mod_ssl with a connection that it cannot write to.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/unused_bytes.h"
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

// For connections that go to the daemon with what Apache has read of the client and not used.

// From now on keeps what has come of a record whose end is still to come. Does nothing after the connection's first byte:
// then it stays with Apache if a record is cut.
void watch_cut_records(conn_rec* c);
void stop_watching_cut_records(conn_rec* c);

// Moves what mod_ssl and OpenSSL have decrypted into `brigade`, by reading through the filters from `first` on, behind
// which is mod_ssl's. False if that are more than `most` bytes, or if it is not known. Reads nothing from the network.
bool take_decrypted_bytes(ap_filter_t* first, apr_bucket_brigade* brigade, apr_off_t most);

// As the other one, but of a connection whose decrypted bytes were taken. Of the client's records that are not decrypted,
// it appends to `records` what Apache has.
Verdict read_tls_state(conn_rec* c, handoff_protocol::TlsState& tls, UnusedBytes& records);

// After the hand-off: mod_ssl writes no more, keeps the session for resumption, and the secrets are wiped.
void release_tls(conn_rec* c);

}  // namespace socket_handoff
