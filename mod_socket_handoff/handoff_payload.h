// Puts what Apache knows of a request in front of the handler's data.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/payload.h"
#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

enum class AnswerGoes { kToTheClient, kThroughApache };

Payload make_payload(request_rec* r, std::string_view data, const Settings& settings, AnswerGoes way);

}  // namespace socket_handoff
