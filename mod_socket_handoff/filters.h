// The module's two output filters.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

// A second output filter, nearest to the handler: where the response asks for a hand-off, it takes the body before
// other filters can compress or rewrite it, if that is the data, and sees to it that mod_cache stores nothing.
void register_early_filter();

// For the hook insert_filter.
void insert_early_filter(request_rec* r);

// mod_cache must neither keep an answer without the hand-off's headers, nor one with them.
void leave_out_of_cache(request_rec* r);

// The output filter: takes the hand-off's headers out of every response, and where a response asks for a hand-off,
// keeps it from the client and hands over at its end.
//
// At its end and not at its first byte, because the handler is still at work until then: it would go on writing to a
// client that it no longer has, and a script would be killed in the middle.
void register_handoff_filter();

// For the hooks insert_filter and insert_error_filter.
void insert_handoff_filter(request_rec* r);

}  // namespace socket_handoff
