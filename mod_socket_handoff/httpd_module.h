// httpd's headers and this module's place in them; included first by every file that talks to httpd.
//
// Log lines get the module's own LogLevel through APLOG_USE_MODULE, and a tag of ours, SHLOGNO(201) = "SH0201: ", that
// tests and administrators look for: 00xx what happened, 01xx the request, 02xx the daemon, 03xx this server.

#pragma once

// C++20 has them as C99 does; without this the type of a directive's function would be lost in a cast.
#define AP_HAVE_DESIGNATED_INITIALIZER

#include <httpd.h>

#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "mod_socket_handoff/settings.h"

extern "C" {
extern AP_MODULE_DECLARE_DATA __attribute__((visibility("default"))) module socket_handoff_module;
APLOG_USE_MODULE(socket_handoff);
}

#define SHLOGNO(number) "SH0" #number ": "

namespace socket_handoff {

// The settings that hold for this request.
inline const Settings& settings_of(const request_rec* r) {
  return *static_cast<const Settings*>(ap_get_module_config(r->per_dir_config, &socket_handoff_module));
}

}  // namespace socket_handoff
