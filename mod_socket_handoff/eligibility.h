// Whether a response that asks for a hand-off gets one. Two kinds of no: Apache is to answer itself and all is well
// (a HEAD or OPTIONS request, an error), or the connection cannot be handed off and the request fails with the reason
// in the log.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

// Why Apache answers this request itself; null where it does not.
const char* reason_to_answer_here(const request_rec* r, const Settings& settings);

// Why the client's socket must not leave Apache; null where it may. The descriptor of a TLS connection carries
// ciphertext, that of an HTTP/2 connection many requests: neither is ever handed to a daemon.
const char* obstacle_to_handoff(const request_rec* r);

}  // namespace socket_handoff
