// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/client_connection.h"

#include <new>
#include <string_view>
#include <type_traits>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/child.h"

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 104)
#include <http_ssl.h>
#else
#include <apr_optional.h>
// Declared in mod_ssl.h, which not every distribution ships.
APR_DECLARE_OPTIONAL_FN(int, ssl_is_https, (conn_rec*));
#endif

namespace socket_handoff {
namespace {

static_assert(std::is_trivially_destructible_v<ClientConnection>);

// httpd's hook insert_network_bucket, with the brigade in which the core's input filter keeps what it has read.
apr_status_t remember_brigade(conn_rec* c, apr_bucket_brigade* brigade, apr_socket_t*) {
  if (ClientConnection* client = find_client_connection(c)) client->received = brigade;
  return AP_DECLINED;
}

// Whether a filter of httpd passes on what it reads, and keeps nothing.
bool is_passive(std::string_view name) {
  return name == "reqtimeout" || name == "remoteip_input" || name == "dumpio_in" || name == "log_input_output" ||
         name == "socket_handoff_records";
}

}  // namespace

void register_connection_hooks() {
  ap_hook_insert_network_bucket(remember_brigade, nullptr, nullptr, APR_HOOK_FIRST);
}

ClientConnection* find_client_connection(const conn_rec* c) {
  return static_cast<ClientConnection*>(ap_get_module_config(c->conn_config, &socket_handoff_module));
}

ClientConnection& keep_client_connection(conn_rec* c) {
  if (ClientConnection* client = find_client_connection(c)) return *client;
  auto* client = new (apr_palloc(c->pool, sizeof(ClientConnection))) ClientConnection;
  ap_set_module_config(c->conn_config, &socket_handoff_module, client);
  return *client;
}

bool is_tls(conn_rec* c) {
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 104)
  return ap_ssl_conn_is_ssl(c);
#else
  APR_OPTIONAL_FN_TYPE(ssl_is_https)* ssl_is_https = APR_RETRIEVE_OPTIONAL_FN(ssl_is_https);
  return ssl_is_https && ssl_is_https(c);
#endif
}

bool are_passive_until_network(const ap_filter_t* filter) {
  for (; filter; filter = filter->next) {
    const std::string_view name = filter->frec->name;
    if (name == "core_in") return true;
    if (!is_passive(name)) return false;
  }
  return false;
}

bool has_received_bytes(const ClientConnection& client) {
  if (!client.received) return true;  // not known
  for (const apr_bucket* bucket = APR_BRIGADE_FIRST(client.received); bucket != APR_BRIGADE_SENTINEL(client.received);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_SOCKET(bucket)) return false;
    if (bucket->length != 0) return true;
  }
  return true;  // no socket: the client has closed its side
}

bool copy_received_bytes(const ClientConnection& client, UnusedBytes& bytes) {
  if (!client.received) return false;
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(client.received); bucket != APR_BRIGADE_SENTINEL(client.received);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_SOCKET(bucket)) return true;
    if (APR_BUCKET_IS_METADATA(bucket)) continue;
    const std::optional received = bytes_in_memory(bucket);
    if (!received) return false;
    bytes.append(*received);
  }
  return false;
}

std::optional<std::span<const std::uint8_t>> bytes_of_rarer_bucket(apr_bucket* bucket) {
  const char* data;
  apr_size_t length;
  if (!(APR_BUCKET_IS_POOL(bucket) || APR_BUCKET_IS_MMAP(bucket)) ||
      apr_bucket_read(bucket, &data, &length, APR_NONBLOCK_READ) != APR_SUCCESS) {
    return std::nullopt;
  }
  return std::span(reinterpret_cast<const std::uint8_t*>(data), length);
}

void release_client(conn_rec* c, int client) {
  SH_CHECK(!c->master);
  c->aborted = 1;
  c->keepalive = AP_CONN_CLOSE;
  if (!child_process().dead_socket.replace(client)) {
    ap_log_cerror(APLOG_MARK, APLOG_CRIT, APR_FROM_OS_ERROR(apr_get_os_error()), c,
                  SHLOGNO(302) "descriptor %d could not be replaced after the hand-off", client);
  }
}

}  // namespace socket_handoff
