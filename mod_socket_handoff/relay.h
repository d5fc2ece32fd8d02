// The way for connections that cannot leave Apache, such as TLS and HTTP/2: the daemon gets one end of a socket pair
// for its client, and what it writes there goes through Apache's own filters. Costs an Apache thread for as long as the
// stream lasts, and no worker of the handler's.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/descriptors.h"

namespace socket_handoff {

// Reads the daemon's answer from `daemon` and sends it on to the filter behind this one, until it ends or the client
// leaves, which closes the pair. OK, or the status that the client is to get where the daemon brought no answer at all.
//
// An answer in chunks that ends without its last one has broken off, and ends so for the client: without a last chunk
// by HTTP/1.1, with a reset by HTTP/2; HTTP/1.0 has no sign for it. Of one without framing nobody can tell.
int relay_answer(request_rec* r, const ap_filter_t* filter, UniqueDescriptor daemon);

}  // namespace socket_handoff
