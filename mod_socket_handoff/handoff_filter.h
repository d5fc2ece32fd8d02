// The output filter: takes the hand-off's headers out of every response, and where a response asks for a hand-off,
// keeps it from the client and hands over at its end.
//
// At its end and not at its first byte, because the handler is still at work until then: it would go on writing to a
// client that it no longer has, and a script would be killed in the middle.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

void register_handoff_filter();

// For the hooks insert_filter and insert_error_filter.
void insert_handoff_filter(request_rec* r);

}  // namespace socket_handoff
