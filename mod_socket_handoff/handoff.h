// One hand-off, from the decision to the last step: the client's socket goes to the daemon and Apache lets go of it.

#pragma once

#include "mod_socket_handoff/handoff_headers.h"
#include "mod_socket_handoff/httpd_module.h"
#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

// OK: nothing is left for Apache to send, as the client is the daemon's, or gone. Otherwise an HTTP status, its cause
// logged: Apache still has the client and must answer.
int hand_off(request_rec* r, const RequestedHandoff& handoff, const Settings& settings);

}  // namespace socket_handoff
