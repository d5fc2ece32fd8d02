// Who has written a response: an application of this host, or another server that Apache is a proxy for.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

// True where mod_proxy brought the response, or one that it was redirected from, unless the backend is FastCGI, SCGI or
// uwsgi on this host: these protocols run the host's own applications. True also where mod_proxy does not say whom it
// asked.
bool is_from_proxied_server(const request_rec* r);

}  // namespace socket_handoff
