// What became of the hand-offs, for those who look: a variable and a note on the request, counters in mod_status' page.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/socket_memory.h"

namespace socket_handoff {

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

}  // namespace socket_handoff
