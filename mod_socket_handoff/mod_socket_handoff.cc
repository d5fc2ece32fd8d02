// mod_socket_handoff: what httpd sees of it, the module record and its hooks.

#include "mod_socket_handoff/child.h"
#include "mod_socket_handoff/directives.h"
#include "mod_socket_handoff/filters.h"
#include "mod_socket_handoff/httpd_module.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/request_body.h"

#include <apr_optional_hooks.h>
#include <mod_status.h>

namespace {

// Not when httpd reads its configuration only to try it.
int announce(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) {
  if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                 SHLOGNO(009) "mod_socket_handoff/" SOCKET_HANDOFF_VERSION " is loaded");
  }
  return OK;
}

void register_hooks(apr_pool_t*) {
  ap_hook_post_config(announce, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_config(socket_handoff::create_counters, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_child_init(socket_handoff::create_child_process, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_log_transaction(socket_handoff::carry_outcome_on, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  // Optional, as mod_status may not be loaded.
  APR_OPTIONAL_HOOK(ap, status_hook, socket_handoff::show_counters, nullptr, nullptr, APR_HOOK_MIDDLE);
  socket_handoff::register_early_filter();
  socket_handoff::register_handoff_filter();
  socket_handoff::register_body_limit();
  // First of all, so that it is nearest to the handler.
  ap_hook_insert_filter(socket_handoff::insert_early_filter, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_insert_filter(socket_handoff::insert_body_limit, nullptr, nullptr, APR_HOOK_MIDDLE);
  // Last of all, so that the filter sees headers that others set in theirs (mod_headers), and in error responses too.
  ap_hook_insert_filter(socket_handoff::insert_handoff_filter, nullptr, nullptr, APR_HOOK_REALLY_LAST);
  ap_hook_insert_error_filter(socket_handoff::insert_handoff_filter, nullptr, nullptr, APR_HOOK_REALLY_LAST);
}

}  // namespace

extern "C" {
AP_MODULE_DECLARE_DATA module socket_handoff_module = {
    STANDARD20_MODULE_STUFF,
    socket_handoff::create_settings,
    socket_handoff::merge_settings,
    nullptr,  // no settings outside of directories: a server's are those of its root
    nullptr,
    socket_handoff::kDirectives,
    register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
}
