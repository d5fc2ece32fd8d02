// What others see of a hand-off: the variable SOCKET_HANDOFF, the counters in mod_status' page, and one line in the log.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <span>

#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/socket_memory.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// What became of the hand-offs, for those who look: a variable and a note on the request, counters in mod_status' page.
enum class Outcome {
  kAccepted,  // the daemon has the client
  kRelayed,   // the daemon's answer went through Apache
  kRefused,   // by the daemon's own word
  kFailed,    // for any other reason
};
inline constexpr int kOutcomes = 4;

// As SOCKET_HANDOFF on the request and on those that it was redirected from, and counted.
void record_outcome(request_rec* r, Outcome outcome);

// For the hook log_transaction, before the loggers: the request that an error document became has it too.
int carry_outcome_on(request_rec* r);

// For the hook post_config: makes the counters, which all children share. They outlive graceful restarts.
int create_counters(apr_pool_t* configuration, apr_pool_t* log, apr_pool_t* temporary, server_rec* server);

// For mod_status' hook.
int show_counters(request_rec* r, int flags);

// In the same memory; of this process alone where there is none.
AcknowledgedSockets& acknowledged_sockets();

// What is logged once: true for the first caller since the server was started.
bool is_first_relay();
bool is_first_silent_daemon();

// What the log says of a hand-off: one line each, whichever of its sockets were tried and however often. `sockets` is
// the list that the candidates were taken from.
// Of a hand-off that was asked for without data, as when PHP has dropped a header of several lines.
void log_missing_data(request_rec* r, const char* sockets);

void log_want_of_descriptors(request_rec* r, int error);

void log_delivery(request_rec* r, const Delivery& delivery, std::span<const Candidate> candidates,
                  const SocketList& sockets, apr_size_t payload_bytes);

// Of a hand-off that none of the candidates took; `decisive` is the one that the client's answer comes from.
void log_failure(request_rec* r, std::span<const Candidate> candidates, const Candidate& decisive,
                 const SocketList& sockets, std::span<const char* const> allowed_prefixes);

}  // namespace socket_handoff
