// Puts what Apache knows of a request in front of the handler's data.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/payload.h"
#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

enum class ResponseHeaders { kPassOn, kKeep };  // to the daemon; kept where Apache writes the head itself

Payload make_payload(request_rec* r, std::string_view data, const Settings& settings, ResponseHeaders headers);

}  // namespace socket_handoff
