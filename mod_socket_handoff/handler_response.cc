#include "mod_socket_handoff/handler_response.h"

#include <apr_strings.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include "mod_socket_handoff/backend_url.h"
#include "protocol/handoff_protocol.h"

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 104)
#include <http_ssl.h>
#else
#include <apr_optional.h>
// Declared in mod_ssl.h, which not every distribution ships.
APR_DECLARE_OPTIONAL_FN(int, ssl_is_https, (conn_rec*));
#endif

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

namespace {

constexpr std::size_t kFirstCapacity = 16 * 1024;

}  // namespace

static_assert(std::is_trivially_destructible_v<ResponseBody>);

ResponseBody* ResponseBody::create(request_rec* r, std::size_t max_bytes) {
  auto* body = new (apr_palloc(r->pool, sizeof(ResponseBody))) ResponseBody(max_bytes, content_encoding(r));
  apr_pool_cleanup_register(r->pool, body, release, apr_pool_cleanup_null);
  ap_set_module_config(r->request_config, &socket_handoff_module, body);
  return body;
}

ResponseBody* ResponseBody::of(const request_rec* r) {
  return static_cast<ResponseBody*>(ap_get_module_config(r->request_config, &socket_handoff_module));
}

apr_status_t ResponseBody::release(void* body) {
  std::free(static_cast<ResponseBody*>(body)->data_);
  return APR_SUCCESS;
}

bool ResponseBody::make_room(std::size_t bytes) {
  if (bytes > max_bytes_) return false;
  if (bytes <= capacity_) return true;
  const std::size_t capacity = std::min(max_bytes_, std::max({bytes, 2 * capacity_, kFirstCapacity}));
  void* data = std::realloc(data_, capacity);
  if (!data) return false;
  data_ = static_cast<char*>(data);
  capacity_ = capacity;
  return true;
}

void ResponseBody::append(std::string_view data) {
  if (is_too_large_ || data.empty()) return;
  if (!make_room(size_ + data.size())) {
    is_too_large_ = true;
    size_ = 0;
    return;
  }
  std::memcpy(data_ + size_, data.data(), data.size());
  size_ += data.size();
}

apr_status_t take_data(apr_bucket_brigade* brigade, ResponseBody* body) {
  apr_bucket* bucket = APR_BRIGADE_FIRST(brigade);
  while (bucket != APR_BRIGADE_SENTINEL(brigade) && !APR_BUCKET_IS_EOS(bucket)) {
    if (!APR_BUCKET_IS_METADATA(bucket) && (body || bucket->length == static_cast<apr_size_t>(-1))) {
      const char* data;
      apr_size_t length;
      const apr_status_t status = apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ);
      if (status != APR_SUCCESS) return status;
      if (body) body->append({data, length});
    }
    apr_bucket* next = APR_BUCKET_NEXT(bucket);  // of a pipe, reading has put the rest there
    if (!APR_BUCKET_IS_METADATA(bucket)) apr_bucket_delete(bucket);
    bucket = next;
  }
  return APR_SUCCESS;
}

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
