// SPDX-License-Identifier: Apache-2.0
// What httpd sees of the module: its directives, its hooks and the module record.

#include "mod_socket_handoff/child.h"
#include "mod_socket_handoff/client_connection.h"
#include "mod_socket_handoff/filters.h"
#include "mod_socket_handoff/http2_client.h"
#include "mod_socket_handoff/httpd_module.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/request_body.h"
#include "mod_socket_handoff/tls_client.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <mod_status.h>

#include <new>
#include <type_traits>

namespace socket_handoff {
namespace {

// A pool frees the memory and calls no destructor.
static_assert(std::is_trivially_destructible_v<Settings>);

Settings* new_settings(apr_pool_t* pool, const Settings& settings) {
  return new (apr_palloc(pool, sizeof(Settings))) Settings(settings);
}

bool would_enable_in_htaccess(const cmd_parms* command, bool value) {
  return value && ap_check_cmd_context(const_cast<cmd_parms*>(command), NOT_IN_HTACCESS) != nullptr;
}

// Functions for directives return null, or an error for httpd to print.
template <class Type>
const char* keep(cmd_parms* command, std::optional<typename Type::Value>& setting, const typename Type::Value& value,
                 const char* word) {
  if constexpr (requires { &Type::append; }) {
    if (setting) {
      const char* problem = Type::append(*setting, word);
      return problem ? apr_psprintf(command->pool, "%s: '%s' %s", command->cmd->name, word, problem) : nullptr;
    }
  }
  setting = value;
  return nullptr;
}

template <class Type, auto kMember>
const char* set(cmd_parms* command, void* settings, const char* word) {
  const auto value = Type::parse(word);
  if (!value) {
    char description[kMaxDescriptionBytes];
    Type::describe(description);
    return apr_psprintf(command->pool, "%s: '%s' is not %s", command->cmd->name, word, description);
  }
  if constexpr (std::is_same_v<Type, SwitchOffInHtaccess>) {
    if (would_enable_in_htaccess(command, *value)) {
      return apr_psprintf(command->pool, "%s: only Off is allowed in .htaccess", command->cmd->name);
    }
  }
  if constexpr (std::is_same_v<Type, TlsSwitch>) {
    if (*value) expect_tls_clients();
  }
  if constexpr (std::is_same_v<Type, Http2Switch>) {
    if (*value) expect_http2_clients();
  }
  return keep<Type>(command, static_cast<Settings*>(settings)->*kMember, *value, word);
}

// Where a directive is allowed: in the server and its virtual hosts, in <Directory> and <Location>; and
// SocketHandoffEnabled in .htaccess too, under AllowOverride FileInfo.
template <class Type>
constexpr int kContexts = RSRC_CONF | ACCESS_CONF | (std::is_same_v<Type, SwitchOffInHtaccess> ? OR_FILEINFO : 0);

// A list may have several words on one line: ITERATE calls the function for each.
template <class Type>
constexpr cmd_how kArguments = requires {
  &Type::append;
}
? ITERATE : TAKE1;

constinit const command_rec kDirectives[] = {
#define SETTING(type, member, directive, standard, help) \
  {directive, {.take1 = set<type, &Settings::member##_>}, nullptr, kContexts<type>, kArguments<type>, help},
    SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
        {}};

void* create_dir_config(apr_pool_t* pool, char*) {
  return new_settings(pool, Settings());
}

void* merge_dir_config(apr_pool_t* pool, void* outer, void* inner) {
  return new_settings(pool, merge(*static_cast<const Settings*>(outer), *static_cast<const Settings*>(inner)));
}

// Not in httpd's first pass over its configuration, which is the only one of a test of the configuration.
int announce(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) {
  if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                 SHLOGNO(009) "mod_socket_handoff/" SOCKET_HANDOFF_VERSION " is loaded");
  }
  return OK;
}

void register_hooks(apr_pool_t*) {
  ap_hook_post_config(announce, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_config(create_shared_memory, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_child_init(create_child_process, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_log_transaction(copy_outcome_to_redirects, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  // Optional, because mod_status may not be loaded.
  APR_OPTIONAL_HOOK(ap, status_hook, show_counters, nullptr, nullptr, APR_HOOK_MIDDLE);
  register_connection_hooks();
  register_http2_hooks();
  register_tls_hooks();
  register_output_filters();
  register_body_limit_filter();
  // The first of all, so that it is next to the handler.
  ap_hook_insert_filter(insert_body_filter, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_insert_filter(insert_body_limit_filter, nullptr, nullptr, APR_HOOK_MIDDLE);
  // The last of all, so that it sees the headers that other filters set (mod_headers), in error responses too.
  ap_hook_insert_filter(insert_handoff_filter, nullptr, nullptr, APR_HOOK_REALLY_LAST);
  ap_hook_insert_error_filter(insert_handoff_filter, nullptr, nullptr, APR_HOOK_REALLY_LAST);
}

}  // namespace
}  // namespace socket_handoff

extern "C" {
AP_MODULE_DECLARE_DATA module socket_handoff_module = {
    STANDARD20_MODULE_STUFF,
    socket_handoff::create_dir_config,
    socket_handoff::merge_dir_config,
    nullptr,  // no per-server configuration: the server's section is the outermost directory
    nullptr,
    socket_handoff::kDirectives,
    socket_handoff::register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
}
