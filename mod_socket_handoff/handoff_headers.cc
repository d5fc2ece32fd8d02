#include "mod_socket_handoff/handoff_headers.h"

#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

const char* take(apr_table_t* table, const char* name) {
  const char* value = apr_table_get(table, name);
  if (value) apr_table_unset(table, name);
  return value;
}

const char* take(request_rec* r, const char* name) {
  const char* value = take(r->headers_out, name);
  const char* always_value = take(r->err_headers_out, name);
  return value ? value : always_value;
}

}  // namespace

RequestedHandoff take_handoff_headers(request_rec* r) {
  RequestedHandoff handoff;
  handoff.socket_path = take(r, handoff_protocol::kSocketHeader);
  if (const char* payload = take(r, handoff_protocol::kDataHeader)) handoff.payload = payload;
  return handoff;
}

}  // namespace socket_handoff
