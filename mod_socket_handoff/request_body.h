// SPDX-License-Identifier: Apache-2.0
// What the client has still to send of its request's body when the response asks for a hand-off: it is read and
// dropped, because the daemon knows nothing of it and would take it for the end of the stream. Within limits of time
// and size, which count from the first read after the response asked.
//
// The limits are those of an input filter, because a handler may leave its body unread until the end of the response,
// where httpd itself drops the body and would wait for as long as Timeout allows. When a limit is reached, the filter
// ends the body with EOS and keeps the reason.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

void register_body_limit_filter();

// For the hook insert_filter.
void insert_body_limit_filter(request_rec* r);

// OK, or the status for the client, whose cause is logged: 408 for a body that stalls, 413 for one that is too long,
// 400 and others for one that breaks off.
int drain_request_body(request_rec* r);

}  // namespace socket_handoff
