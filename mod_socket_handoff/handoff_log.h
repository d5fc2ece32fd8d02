// What the log says of a hand-off: one line each, whichever of its sockets were tried and however often. `sockets` is
// the list that the candidates were taken from.

#pragma once

#include <span>

#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/httpd_module.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// Of a hand-off that was asked for without data, as when PHP has dropped a header of several lines.
void log_missing_data(request_rec* r, const char* sockets);

void log_want_of_descriptors(request_rec* r, int error);

void log_delivery(request_rec* r, const Delivery& delivery, std::span<const Candidate> candidates,
                  const SocketList& sockets, apr_size_t payload_bytes);

// Of a hand-off that none of the candidates took; `decisive` is the one that the client's answer comes from.
void log_failure(request_rec* r, std::span<const Candidate> candidates, const Candidate& decisive,
                 const SocketList& sockets, std::span<const char* const> allowed_prefixes);

}  // namespace socket_handoff
