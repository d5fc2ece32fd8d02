// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/tls_client.h"

#include <apr_optional_hooks.h>

#include <dlfcn.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <new>
#include <optional>
#include <string_view>
#include <type_traits>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/client_connection.h"
#include "mod_socket_handoff/cut_record.h"
#include "mod_socket_handoff/tls_trace.h"

// As in mod_ssl_openssl.h, which not every distribution ships.
extern "C" {
typedef int ssl_HOOK_init_server_t(server_rec* server, apr_pool_t* pool, int is_proxy, SSL_CTX* context);
typedef int ssl_HOOK_pre_handshake_t(conn_rec* c, SSL* ssl, int is_proxy);
}

namespace socket_handoff {

// In the connection's pool, from before the handshake on.
struct TlsClient {
  SSL* ssl;  // mod_ssl's
  TlsTrace trace;
  ap_filter_t* cut_record_filter = nullptr;  // whose context is the CutRecord; null: not watched

  CutRecord* cut_record() const {
    return cut_record_filter ? static_cast<CutRecord*>(cut_record_filter->ctx) : nullptr;
  }
};
static_assert(std::is_trivially_destructible_v<TlsClient> && std::is_trivially_destructible_v<CutRecord>);

namespace {

using handoff_protocol::TlsState;

// Written by the thread that reads the configuration.
bool are_clients_expected;
bool is_other_library;  // mod_ssl uses another OpenSSL than this module
ap_filter_rec_t* gate_record;
ap_filter_rec_t* cut_record_filter_record;

// OpenSSL's numbers of the module's places in its objects. They last as long as the process, in which each restart
// loads the module again.
struct Places {
  int of_client;   // in SSL: the TlsClient
  int of_key_log;  // in SSL_CTX: the key log's callback that was there before
};
const Places* places;
constexpr char kPlacesRetainedAs[] = "mod_socket_handoff_places_in_openssl";

const Places* retained_places() {
  void* retained = ap_retained_data_get(kPlacesRetainedAs);
  if (retained) return static_cast<const Places*>(retained);
  retained = ap_retained_data_create(kPlacesRetainedAs, sizeof(Places));
  return new (retained) Places{SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr),
                               SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr)};
}

TlsClient* client_of(const conn_rec* c) {
  const ClientConnection* client = find_client_connection(c);
  return client ? client->tls : nullptr;
}

const void* library_of(const void* address) {
  Dl_info info;
  return ::dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

// Whether the OpenSSL that made `context` is the one whose functions this file calls. Each has its table of methods
// among its own data, and a context points to the table of its maker. The pointer is among the first members of every
// version's contexts, so that reading it from a foreign one is harmless: then it points somewhere else.
bool is_of_our_library(const SSL_CTX* context) {
  const void* ours = library_of(reinterpret_cast<const void*>(&SSL_CTX_get_ssl_method));
  return ours != nullptr && library_of(SSL_CTX_get_ssl_method(context)) == ours;
}

// For SSL_CTX_set_keylog_callback(). In the context that SNI has chosen, too.
void on_key_log_line(const SSL* ssl, const char* line) {
  if (auto* client = static_cast<TlsClient*>(SSL_get_ex_data(ssl, places->of_client))) {
    client->trace.on_key_log_line(line);
  }
  void* before = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), places->of_key_log);
  if (before) reinterpret_cast<SSL_CTX_keylog_cb_func>(before)(ssl, line);
}

// mod_ssl's hook init_server, for each virtual host.
int prepare_server(server_rec* server, apr_pool_t*, int is_proxy, SSL_CTX* context) {
  if (is_proxy || !are_clients_expected || is_other_library) return OK;
  if (!is_of_our_library(context)) {
    is_other_library = true;
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                 SHLOGNO(304) "mod_ssl uses another OpenSSL than this module (%s): clients over TLS are relayed",
                 OpenSSL_version(OPENSSL_VERSION));
    return OK;
  }
  if (!places) places = retained_places();
  const auto before = SSL_CTX_get_keylog_callback(context);
  if (before == on_key_log_line) return OK;
  SSL_CTX_set_ex_data(context, places->of_key_log, reinterpret_cast<void*>(before));
  SSL_CTX_set_keylog_callback(context, on_key_log_line);
  return OK;
}

apr_status_t wipe_client(void* client) {
  static_cast<TlsClient*>(client)->trace.wipe();
  return APR_SUCCESS;
}

// mod_ssl's hook pre_handshake, for each connection.
int watch_client(conn_rec* c, SSL* ssl, int is_proxy) {
  if (is_proxy || !are_clients_expected || is_other_library || !places) return OK;
  auto* client = new (apr_palloc(c->pool, sizeof(TlsClient))) TlsClient{.ssl = ssl, .trace = {}};
  apr_pool_cleanup_register(c->pool, client, wipe_client, apr_pool_cleanup_null);
  keep_client_connection(c).tls = client;
  SSL_set_ex_data(ssl, places->of_client, client);
  client->trace.watch(ssl);
  return OK;
}

constexpr auto kBehindModSsl = static_cast<ap_filter_type>(AP_FTYPE_CONNECTION + 6);  // mod_ssl's is 5

apr_status_t keep_shut(ap_filter_t*, apr_bucket_brigade*, ap_input_mode_t, apr_read_type_e, apr_off_t) {
  return APR_EAGAIN;
}

// While it lives, an input filter between mod_ssl and the network lets nothing through. A read then shows what mod_ssl
// and OpenSSL have, and moves neither the network's bytes nor the clocks of mod_reqtimeout.
class Gate {
 public:
  explicit Gate(conn_rec* c) : filter_(ap_add_input_filter_handle(gate_record, nullptr, nullptr, c)) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { ap_remove_input_filter(filter_); }

 private:
  ap_filter_t* const filter_;
};

bool has_read_nothing(apr_status_t status, const apr_bucket_brigade* brigade) {
  return APR_STATUS_IS_EAGAIN(status) || (status == APR_SUCCESS && APR_BRIGADE_EMPTY(brigade));
}

// Whether mod_ssl has decrypted bytes that nobody has read.
bool has_decrypted_bytes(conn_rec* c) {
  const Gate gate(c);
  apr_bucket_brigade* brigade = apr_brigade_create(c->pool, c->bucket_alloc);
  const apr_status_t status =
      ap_get_brigade(c->input_filters, brigade, AP_MODE_SPECULATIVE, APR_NONBLOCK_READ, 1);
  const bool has_nothing = has_read_nothing(status, brigade);
  apr_brigade_destroy(brigade);
  return !has_nothing;
}

// Returns how many bytes they have. The next read may overwrite what is not set aside.
apr_off_t move_buckets(apr_bucket_brigade* from, apr_bucket_brigade* to) {
  apr_off_t bytes = 0;
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(from); bucket != APR_BRIGADE_SENTINEL(from);
       bucket = APR_BUCKET_NEXT(bucket)) {
    apr_bucket_setaside(bucket, to->p);
    bytes += static_cast<apr_off_t>(bucket->length);
  }
  APR_BRIGADE_CONCAT(to, from);
  return bytes;
}

// An input filter directly behind mod_ssl. What it does not take makes the record's state uncertain, because OpenSSL
// counts it too.
apr_status_t keep_cut_record(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode,
                             apr_read_type_e block, apr_off_t bytes) {
  const apr_status_t status = ap_get_brigade(filter->next, brigade, mode, block, bytes);
  if (status != APR_SUCCESS || mode != AP_MODE_READBYTES) return status;
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_METADATA(bucket)) continue;
    if (const std::optional text = bytes_in_memory(bucket)) static_cast<CutRecord*>(filter->ctx)->take(*text);
  }
  return status;
}

constexpr char kReadByOthers[] = "a filter of another module reads its TLS records";

Verdict unknown_tls() {
  return Verdict::no(is_other_library ? "mod_ssl uses another OpenSSL than mod_socket_handoff"
                                      : "it came over TLS of another module than mod_ssl");
}

// Whether only such filters stand between mod_ssl and the network that keep nothing.
bool has_known_filters(const conn_rec* c) {
  const ap_filter_t* filter = c->input_filters;
  while (filter && std::string_view(filter->frec->name) != "ssl/tls filter") filter = filter->next;
  return filter && are_passive_until_network(filter->next);
}

// Whether Apache has consumed all that it has read of the client.
Verdict examine_input(conn_rec* c, const TlsClient& client) {
  if (!has_known_filters(c)) return Verdict::no(kReadByOthers);
  if (has_received_bytes(*find_client_connection(c))) {
    return Verdict::no("Apache has read more of its TLS connection than the request");
  }
  const std::uint64_t written = client.trace.records(TlsTrace::Sender::kServer);
  if (has_decrypted_bytes(c)) return Verdict::no("Apache has decrypted more of its TLS connection than the request");
  // What was written then is not flushed.
  if (client.trace.records(TlsTrace::Sender::kServer) != written) {
    return Verdict::no("OpenSSL has just written a TLS record");
  }
  return Verdict::yes();
}

}  // namespace

void expect_tls_clients() {
  are_clients_expected = true;
}

void register_tls_hooks() {
  are_clients_expected = false;
  is_other_library = false;
  APR_OPTIONAL_HOOK(ssl, init_server, prepare_server, nullptr, nullptr, APR_HOOK_MIDDLE);
  APR_OPTIONAL_HOOK(ssl, pre_handshake, watch_client, nullptr, nullptr, APR_HOOK_MIDDLE);
  gate_record = ap_register_input_filter("SOCKET_HANDOFF_GATE", keep_shut, nullptr, kBehindModSsl);
  cut_record_filter_record = ap_register_input_filter("SOCKET_HANDOFF_RECORDS", keep_cut_record, nullptr, kBehindModSsl);
}

Verdict read_tls_state(conn_rec* c, TlsState& tls) {
  const TlsClient* client = client_of(c);
  if (!client) return unknown_tls();
  const Verdict verdict = examine_input(c, *client);
  return verdict.is_yes() ? client->trace.read(client->ssl, tls) : verdict;
}

void watch_cut_records(conn_rec* c) {
  TlsClient* client = client_of(c);
  if (!client || client->cut_record_filter || BIO_number_read(SSL_get_rbio(client->ssl)) > 0) return;
  auto* cut = new (apr_palloc(c->pool, sizeof(CutRecord))) CutRecord;
  client->cut_record_filter = ap_add_input_filter_handle(cut_record_filter_record, cut, nullptr, c);
}

void stop_watching_cut_records(conn_rec* c) {
  TlsClient* client = client_of(c);
  if (!client || !client->cut_record_filter) return;
  ap_remove_input_filter(client->cut_record_filter);
  client->cut_record_filter = nullptr;
}

bool take_decrypted_bytes(ap_filter_t* first, apr_bucket_brigade* brigade, apr_off_t most) {
  conn_rec* c = first->c;
  const TlsClient* client = client_of(c);
  if (!client) return false;
  const std::uint64_t written = client->trace.records(TlsTrace::Sender::kServer);
  const Gate gate(c);
  apr_bucket_brigade* piece = apr_brigade_create(c->pool, c->bucket_alloc);
  bool has_all = false;
  for (apr_status_t status = APR_SUCCESS; status == APR_SUCCESS && !has_all && most >= 0;) {
    status = ap_get_brigade(first, piece, AP_MODE_READBYTES, APR_NONBLOCK_READ, most + 1);
    has_all = has_read_nothing(status, piece);
    most -= move_buckets(piece, brigade);
  }
  apr_brigade_destroy(piece);
  // What OpenSSL has written then is not flushed.
  return has_all && client->trace.records(TlsTrace::Sender::kServer) == written;
}

Verdict read_tls_state(conn_rec* c, TlsState& tls, UnusedBytes& records) {
  const TlsClient* client = client_of(c);
  if (!client) return unknown_tls();
  if (!has_known_filters(c)) return Verdict::no(kReadByOthers);
  const CutRecord* cut = client->cut_record();
  if (cut) records.append(cut->bytes());
  if (!copy_received_bytes(*find_client_connection(c), records)) {
    return Verdict::no("not all is known that Apache has read of its TLS connection");
  }
  return client->trace.read(client->ssl, tls, cut);
}

void release_tls(conn_rec* c) {
  TlsClient* client = client_of(c);
  SH_CHECK(client);
  SSL_set_quiet_shutdown(client->ssl, 1);
  SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  client->trace.wipe();
}

}  // namespace socket_handoff
