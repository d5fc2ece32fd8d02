#include "mod_socket_handoff/response_origin.h"

#include "mod_socket_handoff/backend_url.h"

namespace socket_handoff {
namespace {

constexpr std::string_view kProxyPrefix = "proxy:";
constexpr std::string_view kBalancerScheme = "balancer:";

std::string_view text(const char* value) {
  return value ? std::string_view(value) : std::string_view();
}

// The backend's URL, as mod_proxy leaves it; empty where it is not known. `file` has it from ProxyPass and RewriteRule
// [P], and from a SetHandler "proxy:..." once mod_proxy has served it.
std::string_view backend_of(const request_rec* r) {
  std::string_view file = text(r->filename);
  std::string_view handler = text(r->handler);
  if (!file.starts_with(kProxyPrefix)) file = handler;
  if (!file.starts_with(kProxyPrefix)) return {};
  file.remove_prefix(kProxyPrefix.size());
  // Which of its members was asked is in a variable, written when it was chosen.
  return file.starts_with(kBalancerScheme) ? text(apr_table_get(r->subprocess_env, "BALANCER_WORKER_NAME")) : file;
}

bool was_proxied(const request_rec* r) {
  return r->proxyreq != PROXYREQ_NONE || text(r->handler).starts_with(kProxyPrefix);
}

bool is_asked_over_unix_socket(const request_rec* r) {
  return apr_table_get(r->notes, "uds_path") != nullptr;
}

}  // namespace

bool is_from_proxied_server(const request_rec* r) {
  // An internal redirect inherits the headers of the response that it came from.
  for (const request_rec* response = r; response; response = response->prev) {
    if (!was_proxied(response)) continue;
    const BackendUrl backend(backend_of(response));
    if (!backend.runs_applications()) return true;
    if (!backend.is_on_this_host() && !is_asked_over_unix_socket(response)) return true;
  }
  return false;
}

}  // namespace socket_handoff
