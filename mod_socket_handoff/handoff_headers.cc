#include "mod_socket_handoff/handoff_headers.h"

#include <apr_strings.h>

#include <cstring>

#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

using handoff_protocol::kDataHeader;
using handoff_protocol::kDataSourceHeader;
using handoff_protocol::kSocketHeader;

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

char* list(apr_pool_t* pool, apr_table_t* table, const char* name) {
  ListText text{pool};
  apr_table_do(append_to_list, &text, table, name, nullptr);
  return text.value;
}

char* list(request_rec* r, const char* name) {
  char* value = list(r->pool, r->headers_out, name);
  return value ? value : list(r->pool, r->err_headers_out, name);
}

const char* value(const request_rec* r, const char* name) {
  const char* text = apr_table_get(r->headers_out, name);
  return text ? text : apr_table_get(r->err_headers_out, name);
}

// Any header of this module's, those of other versions of it among them.
bool is_ours(const char* name) {
  if ((name[0] | 0x20) != 'x') return false;  // most headers of most answers, by far the fastest way
  return strcasecmp(name, kSocketHeader) == 0 || strncasecmp(name, kDataHeader, sizeof kDataHeader - 1) == 0;
}

bool has_ours(const apr_table_t* table) {
  const apr_array_header_t* array = apr_table_elts(table);
  const auto* entries = reinterpret_cast<const apr_table_entry_t*>(array->elts);
  for (int i = 0; i < array->nelts; ++i) {
    if (is_ours(entries[i].key)) return true;
  }
  return false;
}

void remove_ours(apr_table_t* table) {
  const apr_array_header_t* array = apr_table_elts(table);
  for (int i = array->nelts - 1; i >= 0; --i) {
    const char* name = reinterpret_cast<const apr_table_entry_t*>(array->elts)[i].key;
    if (!is_ours(name)) continue;
    apr_table_unset(table, name);  // and all that share its name
    if (i > array->nelts) i = array->nelts;
  }
}

}  // namespace

bool asks_for_handoff(const request_rec* r) {
  return value(r, kSocketHeader) != nullptr;
}

bool has_data_in_body(const request_rec* r) {
  const char* source = value(r, kDataSourceHeader);
  return source && strcasecmp(source, handoff_protocol::kBodySource) == 0;
}

const char* content_encoding(const request_rec* r) {
  const char* encoding = r->content_encoding ? r->content_encoding : value(r, "Content-Encoding");
  if (!encoding || strcasecmp(encoding, "identity") == 0) return nullptr;
  return strcasecmp(encoding, "none") == 0 ? nullptr : encoding;  // scripts say it, so that nobody compresses
}

RequestedHandoff take_handoff_headers(request_rec* r) {
  RequestedHandoff handoff;
  if (!has_ours(r->headers_out) && !has_ours(r->err_headers_out)) return handoff;
  handoff.sockets = list(r, kSocketHeader);
  handoff.data_is_body = has_data_in_body(r);
  if (const char* data = value(r, kDataHeader)) handoff.data = data;
  remove_ours(r->headers_out);
  remove_ours(r->err_headers_out);
  return handoff;
}

}  // namespace socket_handoff
