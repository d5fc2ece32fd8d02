// A second output filter, nearest to the handler: where the response asks for a hand-off, it takes the body before
// other filters can compress or rewrite it, if that is the data, and sees to it that mod_cache stores nothing.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

void register_early_filter();

// For the hook insert_filter.
void insert_early_filter(request_rec* r);

// mod_cache must neither keep an answer without the hand-off's headers, nor one with them.
void leave_out_of_cache(request_rec* r);

}  // namespace socket_handoff
