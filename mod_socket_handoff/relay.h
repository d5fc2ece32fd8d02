// SPDX-License-Identifier: Apache-2.0
// Relays the daemon's answer to a client whose connection cannot leave Apache (HTTP/2, some TLS): the daemon has one end
// of a socket pair in the client's place, and what it writes there goes through Apache's own filters. This takes an
// Apache thread for as long as the stream lasts, and no worker of the handler's.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/descriptors.h"

namespace socket_handoff {

// Takes the daemon's connection over. Reads the daemon's answer from it and passes it to the filter behind this one,
// until the answer ends or the client leaves; then closes the connection. OK, or the status for the client if the
// daemon sent no answer that could be relayed, whose cause is logged.
//
// An answer in chunks that ends without its last chunk has broken off, and breaks off for the client too: without a
// last chunk by HTTP/1.1, with a reset by HTTP/2. HTTP/1.0 cannot show it. An answer without framing ends with the
// connection, whole or not.
int relay_answer(request_rec* r, const ap_filter_t* filter, UniqueDescriptor daemon);

}  // namespace socket_handoff
