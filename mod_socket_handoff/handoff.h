// SPDX-License-Identifier: Apache-2.0
// One hand-off of a request, from the decision to the last step: the payload is put together, the client's socket goes
// to the daemon, and Apache releases it. If the connection cannot leave Apache, the daemon gets one end of a socket
// pair instead, and Apache relays its answer.

#pragma once

#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

// Blocks the Apache thread that serves the request within the limits of `settings`, and in a relay until the answer
// ends.
//
// OK: Apache has nothing left to send, because the daemon has the client, the client left, or it has its answer.
// Otherwise an HTTP status, whose cause is logged: Apache still has the client and must answer. A relayed answer
// continues behind `filter`.
int hand_off(ap_filter_t* filter, const RequestedHandoff& handoff, const Settings& settings);

}  // namespace socket_handoff
