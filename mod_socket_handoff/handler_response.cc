// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/handler_response.h"

#include <apr_strings.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include "mod_socket_handoff/backend_url.h"
#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/client_connection.h"
#include "mod_socket_handoff/tls_client.h"
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

// A header that was set several times is a list too: mod_php leaves two entries, PHP-FPM joins them.
int append_to_list(void* list, const char*, const char* value) {
  auto& text = *static_cast<ListText*>(list);
  text.value = text.value ? apr_pstrcat(text.pool, text.value, ",", value, nullptr) : apr_pstrdup(text.pool, value);
  return 1;
}

char* list_of(apr_pool_t* pool, apr_table_t* table, const char* name) {
  ListText text{pool};
  apr_table_do(append_to_list, &text, table, name, nullptr);
  return text.value;
}

char* list_of(request_rec* r, const char* name) {
  char* value = list_of(r->pool, r->headers_out, name);
  return value ? value : list_of(r->pool, r->err_headers_out, name);
}

const char* header_of(const request_rec* r, const char* name) {
  const char* text = apr_table_get(r->headers_out, name);
  return text ? text : apr_table_get(r->err_headers_out, name);
}

// The response's content coding so far; null if it has none.
const char* content_encoding(const request_rec* r) {
  const char* encoding = r->content_encoding ? r->content_encoding : header_of(r, "Content-Encoding");
  if (!encoding || strcasecmp(encoding, "identity") == 0) return nullptr;
  return strcasecmp(encoding, "none") == 0 ? nullptr : encoding;  // scripts set it to prevent compression
}

// A header of this module, or of another version of it.
bool is_ours(const char* name) {
  if ((name[0] | 0x20) != 'x') return false;  // the fastest way past most headers of most responses
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
    apr_table_unset(table, name);  // with all entries of that name
    if (i > array->nelts) i = array->nelts;
  }
}

constexpr std::size_t kFirstCapacityBytes = 16 * 1024;

// An error document inherits the failed request's err_headers_out, and with them a hand-off it did not ask for.
bool is_error_document(const request_rec* r) {
  for (const request_rec* redirected = r->prev; redirected; redirected = redirected->prev) {
    if (!ap_is_HTTP_SUCCESS(redirected->status)) return true;
  }
  return false;
}

constexpr std::string_view kProxyPrefix = "proxy:";
constexpr std::string_view kBalancerScheme = "balancer:";

std::string_view text_of(const char* value) {
  return value ? std::string_view(value) : std::string_view();
}

// The backend's URL, as mod_proxy leaves it; empty if it is not known. `file` has it from ProxyPass and RewriteRule
// [P], and from a SetHandler "proxy:..." once mod_proxy has served it.
std::string_view backend_of(const request_rec* r) {
  std::string_view file = text_of(r->filename);
  std::string_view handler = text_of(r->handler);
  if (!file.starts_with(kProxyPrefix)) file = handler;
  if (!file.starts_with(kProxyPrefix)) return {};
  file.remove_prefix(kProxyPrefix.size());
  // mod_proxy_balancer sets a variable to the member that it has chosen.
  return file.starts_with(kBalancerScheme) ? text_of(apr_table_get(r->subprocess_env, "BALANCER_WORKER_NAME")) : file;
}

bool was_proxied(const request_rec* r) {
  return r->proxyreq != PROXYREQ_NONE || text_of(r->handler).starts_with(kProxyPrefix);
}

bool is_asked_over_unix_socket(const request_rec* r) {
  return apr_table_get(r->notes, "uds_path") != nullptr;
}

}  // namespace

bool asks_for_handoff(const request_rec* r) {
  return header_of(r, kSocketHeader) != nullptr;
}

bool has_data_in_body(const request_rec* r) {
  const char* source = header_of(r, kDataSourceHeader);
  return source && strcasecmp(source, handoff_protocol::kBodySource) == 0;
}

RequestedHandoff take_handoff_headers(request_rec* r) {
  RequestedHandoff handoff;
  if (!has_ours(r->headers_out) && !has_ours(r->err_headers_out)) return handoff;
  handoff.sockets = list_of(r, kSocketHeader);
  handoff.data_is_body = has_data_in_body(r);
  if (const char* data = header_of(r, kDataHeader)) handoff.data = data;
  remove_ours(r->headers_out);
  remove_ours(r->err_headers_out);
  return handoff;
}

static_assert(std::is_trivially_destructible_v<HandlerBody>);

HandlerBody* HandlerBody::create(request_rec* r, std::size_t max_bytes) {
  auto* body = new (apr_palloc(r->pool, sizeof(HandlerBody))) HandlerBody(max_bytes, content_encoding(r));
  apr_pool_cleanup_register(r->pool, body, release, apr_pool_cleanup_null);
  ap_set_module_config(r->request_config, &socket_handoff_module, body);
  return body;
}

HandlerBody* HandlerBody::of(const request_rec* r) {
  return static_cast<HandlerBody*>(ap_get_module_config(r->request_config, &socket_handoff_module));
}

apr_status_t HandlerBody::release(void* body) {
  std::free(static_cast<HandlerBody*>(body)->data_);
  return APR_SUCCESS;
}

bool HandlerBody::make_room(std::size_t bytes) {
  if (bytes > max_bytes_) return false;
  if (bytes <= capacity_) return true;
  const std::size_t capacity = std::min(max_bytes_, std::max({bytes, 2 * capacity_, kFirstCapacityBytes}));
  void* data = std::realloc(data_, capacity);
  if (!data) return false;
  data_ = static_cast<char*>(data);
  capacity_ = capacity;
  return true;
}

void HandlerBody::append(std::string_view data) {
  if (is_too_large_ || data.empty()) return;
  if (!make_room(size_ + data.size())) {
    is_too_large_ = true;
    size_ = 0;
    return;
  }
  SH_CHECK(size_ + data.size() <= capacity_ && capacity_ <= max_bytes_);
  std::memcpy(data_ + size_, data.data(), data.size());
  size_ += data.size();
}

apr_status_t take_data(apr_bucket_brigade* brigade, HandlerBody* body) {
  apr_bucket* bucket = APR_BRIGADE_FIRST(brigade);
  while (bucket != APR_BRIGADE_SENTINEL(brigade) && !APR_BUCKET_IS_EOS(bucket)) {
    if (!APR_BUCKET_IS_METADATA(bucket) && (body || bucket->length == static_cast<apr_size_t>(-1))) {
      const char* data;
      apr_size_t length;
      const apr_status_t status = apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ);
      if (status != APR_SUCCESS) return status;
      if (body) body->append({data, length});
    }
    apr_bucket* next = APR_BUCKET_NEXT(bucket);  // reading a pipe bucket inserts the rest after it
    if (!APR_BUCKET_IS_METADATA(bucket)) apr_bucket_delete(bucket);
    bucket = next;
  }
  return APR_SUCCESS;
}

Verdict may_be_handed_off(const request_rec* r, const Settings& settings) {
  if (!settings.enabled()) {
    return Verdict::no(apr_pstrcat(r->pool, "SocketHandoffEnabled is Off here, at ", r->uri,  // after rewriting
                                   ": set it On in a <Location> if the script is yours", nullptr));
  }
  if (r->main) return Verdict::no("it is a subrequest");
  if (r->header_only) return Verdict::no("it is a HEAD request");
  // A CORS preflight: the browser would take the stream for the permission that it asks for.
  if (r->method_number == M_OPTIONS) return Verdict::no("it is an OPTIONS request");
  if (!ap_is_HTTP_SUCCESS(r->status)) return Verdict::no("the response's status is not 2xx");
  if (is_error_document(r)) return Verdict::no("it is an error document");
  return Verdict::yes();
}

Verdict can_leave_apache(const request_rec* r, const Settings& settings, WrittenConnectionPart& keys) {
  conn_rec* c = r->connection;
  if (!ap_get_conn_socket(c)) return Verdict::no("its connection has no socket");
  if (!is_tls(c)) return Verdict::yes();
  if (!settings.tls()) return Verdict::no("it came over TLS, and SocketHandoffTLS is Off");
  handoff_protocol::ConnectionState connection;
  const Verdict verdict = read_tls_state(c, connection.tls.emplace());
  if (verdict.is_yes()) keys.write(connection);
  return verdict;
}

bool is_from_proxied_server(const request_rec* r) {
  // A request after an internal redirect inherits the headers of the response that redirected to it.
  for (const request_rec* response = r; response; response = response->prev) {
    if (!was_proxied(response)) continue;
    const BackendUrl backend(backend_of(response));
    if (!backend.runs_applications()) return true;
    if (!backend.is_on_this_host() && !is_asked_over_unix_socket(response)) return true;
  }
  return false;
}

}  // namespace socket_handoff
