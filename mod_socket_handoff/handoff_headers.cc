#include "mod_socket_handoff/handoff_headers.h"

#include <apr_strings.h>

#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

struct ListText {
  apr_pool_t* pool;
  char* value = nullptr;
};

// A header that was given several times is a list too: two entries with mod_php, joined already by PHP-FPM.
int append_to_list(void* list, const char*, const char* value) {
  auto& text = *static_cast<ListText*>(list);
  text.value = text.value ? apr_pstrcat(text.pool, text.value, ",", value, nullptr) : apr_pstrdup(text.pool, value);
  return 1;
}

char* take_list(apr_pool_t* pool, apr_table_t* table, const char* name) {
  ListText text{pool};
  apr_table_do(append_to_list, &text, table, name, nullptr);
  if (text.value) apr_table_unset(table, name);
  return text.value;
}

char* take_list(request_rec* r, const char* name) {
  char* value = take_list(r->pool, r->headers_out, name);
  char* always_value = take_list(r->pool, r->err_headers_out, name);
  return value ? value : always_value;
}

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
  handoff.sockets = take_list(r, handoff_protocol::kSocketHeader);
  if (const char* payload = take(r, handoff_protocol::kDataHeader)) handoff.payload = payload;
  return handoff;
}

}  // namespace socket_handoff
