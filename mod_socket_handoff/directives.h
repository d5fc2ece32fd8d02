// The directives of the configuration file, and the settings that they leave for a request.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

extern const command_rec kDirectives[];

void* create_settings(apr_pool_t* pool, char* directory);
void* merge_settings(apr_pool_t* pool, void* outer, void* inner);

const Settings& settings_of(const request_rec* r);

}  // namespace socket_handoff
