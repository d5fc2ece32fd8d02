// One hand-off, from the decision to the last step: the client's socket goes to the daemon and Apache lets go of it; or
// where it cannot leave Apache, the daemon's answer is relayed.

#pragma once

#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/httpd_module.h"
#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

// OK: nothing is left for Apache to send, as the client is the daemon's, or gone, or has its answer. Otherwise an HTTP
// status, its cause logged: Apache still has the client and must answer. `filter` is the one behind which a relayed
// answer goes on.
int hand_off(ap_filter_t* filter, const RequestedHandoff& handoff, const Settings& settings);

}  // namespace socket_handoff
