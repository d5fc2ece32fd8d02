// What the client has still to send of its request when a response asks for a hand-off: read and dropped, as the daemon
// knows nothing of it and would take it for the client's closing words. Within bounds of time and size, from the first
// read after the response asked.
//
// The bounds are an input filter's, as httpd drops a body by itself where a handler leaves the end of the response to
// it, and would wait for as long as Timeout says. The filter then says that the body ends, and why it did not.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

void register_body_limit();

// For the hook insert_filter.
void insert_body_limit(request_rec* r);

// OK, or the status of the request, its cause logged: 408 for a body that stalls, 413 for one that does not end.
int drain_request_body(request_rec* r);

}  // namespace socket_handoff
