// SPDX-License-Identifier: Apache-2.0
// httpd's headers, and what httpd keeps for this module; every file that calls httpd includes it first.
//
// APLOG_USE_MODULE gives log lines the module's own LogLevel. SHLOGNO(201) = "SH0201: " gives them a tag, which tests
// and administrators look for: 00xx is what happened, 01xx the request, 02xx the daemon, 03xx this server.

#pragma once

// C++20 has designated initializers too. Without this, a cast would lose the type of a directive's function.
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

// The per-directory configuration of this request.
inline const Settings& settings_of(const request_rec* r) {
  return *static_cast<const Settings*>(ap_get_module_config(r->per_dir_config, &socket_handoff_module));
}

}  // namespace socket_handoff
