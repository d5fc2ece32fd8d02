// SPDX-License-Identifier: Apache-2.0
// What the module keeps of a client's connection while it lives, and the step by which Apache lets go of it. In the
// connection's pool, on the thread that serves the connection.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <cstdint>
#include <optional>
#include <span>

#include "mod_socket_handoff/unused_bytes.h"

namespace socket_handoff {

class Http2Client;
struct TlsClient;

struct ClientConnection {
  TlsClient* tls = nullptr;      // if it is over TLS and the module watches that
  Http2Client* http2 = nullptr;  // if it may become an HTTP/2 connection that is handed over
  // httpd's own: what its core has read and not passed on. Ends with the socket's bucket. Null until it reads.
  const apr_bucket_brigade* received = nullptr;
};

// For the function that registers hooks.
void register_connection_hooks();

// Null if nothing of this connection is kept.
ClientConnection* find_client_connection(const conn_rec* c);
ClientConnection& keep_client_connection(conn_rec* c);

// Whether the client's connection is over TLS, by mod_ssl or another module.
bool is_tls(conn_rec* c);

// Whether only filters stand between this place and the network that pass on what they read and keep nothing. `filter`
// is the first of them.
bool are_passive_until_network(const ap_filter_t* filter);

// Whether httpd's core has read bytes that no filter has taken.
bool has_received_bytes(const ClientConnection& client);
// Appends these bytes. False if not all of them are known, or the client has closed its side.
bool copy_received_bytes(const ClientConnection& client, UnusedBytes& bytes);

// The bytes of a bucket with data, if reading them neither waits nor copies. What a connection reads and writes comes in
// heap and transient buckets, so that these need no call.
std::optional<std::span<const std::uint8_t>> bytes_of_rarer_bucket(apr_bucket* bucket);
inline std::optional<std::span<const std::uint8_t>> bytes_in_memory(apr_bucket* bucket) {
  const char* base;
  if (APR_BUCKET_IS_HEAP(bucket)) {
    base = static_cast<const apr_bucket_heap*>(bucket->data)->base;
  } else if (APR_BUCKET_IS_TRANSIENT(bucket) || APR_BUCKET_IS_IMMORTAL(bucket)) {
    base = static_cast<const char*>(bucket->data);
  } else {
    return bytes_of_rarer_bucket(bucket);
  }
  return std::span(reinterpret_cast<const std::uint8_t*>(base + bucket->start), bucket->length);
}

// From here on Apache neither reads from the client nor writes to it nor lingers on it, with any MPM: `aborted` stops
// the core filters and the lingering close, and what still uses the descriptor finds the dead socket.
//
// The descriptor's number stays: httpd and APR have it in many places. A new apr_socket_t in its place would have to
// live in the connection's pool, and one in a request's pool would be used after it is freed.
void release_client(conn_rec* c, int client);

}  // namespace socket_handoff
