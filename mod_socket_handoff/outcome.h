// SPDX-License-Identifier: Apache-2.0
// What others see of a hand-off: the variable SOCKET_HANDOFF, the counters in mod_status' page, and its line in the
// log. All functions run on the Apache thread that serves the request.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <span>

#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

enum class Outcome {
  kAccepted,  // the daemon has the client
  kRelayed,   // the daemon's answer went through Apache
  kRefused,   // the daemon's answer was a refusal
  kFailed,    // for any other reason
};
inline constexpr int kOutcomes = 4;

// Waits for a connection's other streams: all of them, and those in vain.
inline constexpr int kWaits = 2;

// Sets SOCKET_HANDOFF, as a variable and a note, on the request and on those that it was redirected from, and counts.
void record_outcome(request_rec* r, Outcome outcome);

// For the hook log_transaction, before the loggers: copies the outcome to the requests that this one was redirected to,
// such as an error document.
int copy_outcome_to_redirects(request_rec* r);

// Count the hand-offs over HTTP/2 that begin to wait for the connection's other streams, and those that waited in vain.
void count_wait_for_streams();
void count_wait_in_vain();

// For mod_status' hook.
int show_counters(request_rec* r, int flags);

// The log has one line for each hand-off, however many of its sockets were tried and however often. `sockets` is the
// list that the candidates were taken from.

void log_delivery(request_rec* r, const Delivery& delivery, std::span<const Candidate> candidates,
                  const SocketList& sockets, apr_size_t data_bytes);

// For a hand-off that no candidate took; `decisive` is the candidate that decides the client's response.
void log_failure(request_rec* r, std::span<const Candidate> candidates, const Candidate& decisive,
                 const SocketList& sockets, std::span<const char* const> allowed_prefixes);

void log_client_has_left(request_rec* r);
void log_missing_data(request_rec* r, const char* sockets);
void log_lack_of_descriptors(request_rec* r, int error);

// The first one since the server was started is a notice, all others are for debugging. `reason` follows "because".
void log_relay(request_rec* r, const char* reason);

// Likewise: this daemon has got no connection over TLS or HTTP/2.
void log_relaying_daemon(request_rec* r, const Candidate& candidate);

}  // namespace socket_handoff
