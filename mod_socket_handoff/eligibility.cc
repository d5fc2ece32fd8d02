#include "mod_socket_handoff/eligibility.h"

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 104)
#include <http_ssl.h>
#else
#include <apr_optional.h>
// Declared in mod_ssl.h, which not every distribution ships.
APR_DECLARE_OPTIONAL_FN(int, ssl_is_https, (conn_rec*));
#endif

namespace socket_handoff {
namespace {

bool is_tls(conn_rec* c) {
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 104)
  return ap_ssl_conn_is_ssl(c);
#else
  APR_OPTIONAL_FN_TYPE(ssl_is_https)* ssl_is_https = APR_RETRIEVE_OPTIONAL_FN(ssl_is_https);
  return ssl_is_https && ssl_is_https(c);
#endif
}

// An error document inherits the failed request's err_headers_out, and with them a hand-off that was not its own wish.
bool stands_in_for_an_error(const request_rec* r) {
  for (const request_rec* redirected = r->prev; redirected; redirected = redirected->prev) {
    if (!ap_is_HTTP_SUCCESS(redirected->status)) return true;
  }
  return false;
}

}  // namespace

const char* reason_to_answer_here(const request_rec* r, const Settings& settings) {
  if (!settings.enabled()) return "SocketHandoffEnabled is Off here: set it On in a <Location> if the script is yours";
  if (r->main) return "it is a subrequest";
  if (r->header_only) return "it is a HEAD request";
  // A browser asks whether it may ask, and would take the stream for a yes or no.
  if (r->method_number == M_OPTIONS) return "it is an OPTIONS request";
  if (!ap_is_HTTP_SUCCESS(r->status)) return "the response's status is not 2xx";
  if (stands_in_for_an_error(r)) return "it is an error document";
  return nullptr;
}

const char* obstacle_to_handoff(const request_rec* r) {
  conn_rec* c = r->connection;
  if (c->master) return "it came over HTTP/2, where many requests share one connection";
  if (is_tls(c)) return "it came over TLS, which Apache has to go on encrypting";
  if (!ap_get_conn_socket(c)) return "its connection has no socket";
  return nullptr;
}

}  // namespace socket_handoff
