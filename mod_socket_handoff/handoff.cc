// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/handoff.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/child.h"
#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/filters.h"
#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/handoff_message.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/relay.h"
#include "mod_socket_handoff/request_body.h"
#include "mod_socket_handoff/socket_path.h"
#include "mod_socket_handoff/tls_client.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

// How the daemon's answer reaches the client.
enum class AnswerPath { kDirect, kRelayed };

bool is_one_of(const char* name, std::span<const char* const> names) {
  for (const char* wanted : names) {
    if (strcasecmp(name, wanted) == 0) return true;
  }
  return false;
}

// Apache writes the head of a relayed answer, with the handler's headers. Only the daemon's Cache-Control replaces the
// handler's there, so the daemon must know that one.
bool is_for_the_daemon(const char* name, AnswerPath path) {
  return path == AnswerPath::kDirect || strcasecmp(name, "Cache-Control") == 0;
}

void collect_fields(const apr_table_t* table, std::span<const char* const> names, AnswerPath path,
                    apr_array_header_t* fields) {
  const apr_array_header_t* array = apr_table_elts(table);
  const auto* entries = reinterpret_cast<const apr_table_entry_t*>(array->elts);
  for (int i = 0; i < array->nelts; ++i) {
    if (!is_one_of(entries[i].key, names) || !is_for_the_daemon(entries[i].key, path)) continue;
    *static_cast<HeaderField*>(apr_array_push(fields)) = {entries[i].key, entries[i].val};
  }
}

// The path of a request's target: without the query, which may hold what must not be logged, and without scheme and
// host if the target is in absolute form.
std::string_view path_of(std::string_view target) {
  if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    target.remove_prefix(scheme + 3);
    const std::size_t host = target.find_first_of("/?");
    target.remove_prefix(host == std::string_view::npos ? target.size() : host);
    if (!target.starts_with('/')) return "/";
  }
  const std::size_t query = target.find('?');
  return query == std::string_view::npos ? target : std::string_view(target.data(), query);
}

const request_rec* first_request(const request_rec* r) {
  while (r->prev) r = r->prev;
  return r;
}

// The protocol that the daemon frames its answer for. Apache frames a relayed answer again, so it asks for chunks: a
// missing last chunk shows that the answer broke off.
std::string_view protocol_of(const request_rec* r, AnswerPath path) {
  if (path == AnswerPath::kRelayed) return "HTTP/1.1";
  const bool is_downgraded =
      apr_table_get(r->subprocess_env, "downgrade-1.0") || apr_table_get(r->subprocess_env, "force-response-1.0");
  return is_downgraded ? "HTTP/1.0" : r->protocol;
}

ApacheFacts facts_of(const request_rec* r, AnswerPath path) {
  ApacheFacts facts;
  if (const char* id = apr_table_get(r->subprocess_env, "UNIQUE_ID")) facts.request_id = id;
  if (r->useragent_ip) facts.client = r->useragent_ip;
  if (r->method) facts.method = r->method;
  if (const char* target = first_request(r)->unparsed_uri) facts.uri = path_of(target);
  facts.protocol = protocol_of(r, path);
  return facts;
}

// How a client is handed over: its own socket, with keys if it carries TLS, or one end of a socket pair. Borrows both.
struct Passage {
  AnswerPath path;
  int client;
  std::string_view keys;
};

// What Apache knows of the request, put in front of the handler's data if that is a JSON object.
Payload make_payload(request_rec* r, std::string_view data, const Settings& settings, const Passage& passage) {
  const std::optional<std::string_view> rest = rest_of_object(data);
  if (!rest) return {.connection_part = passage.keys, .front = {}, .rest = data, .is_json_object = false};

  ApacheFacts facts = facts_of(r, passage.path);
  apr_array_header_t* fields = apr_array_make(r->pool, 4, sizeof(HeaderField));
  const HeaderNames::Value names = settings.forward_headers();
  collect_fields(r->err_headers_out, names.span(), passage.path, fields);
  collect_fields(r->headers_out, names.span(), passage.path, fields);
  facts.headers = {reinterpret_cast<const HeaderField*>(fields->elts), static_cast<std::size_t>(fields->nelts)};

  JsonText size;
  write_front(size, facts, *rest);
  JsonText front(static_cast<char*>(apr_palloc(r->pool, size.size())), size.size());
  write_front(front, facts, *rest);
  SH_CHECK(front.size() == size.size());
  return {.connection_part = passage.keys, .front = front.text(), .rest = *rest, .is_json_object = true};
}

int check_origin(request_rec* r, const RequestedHandoff& handoff, const Settings& settings) {
  if (settings.allow_proxied() || !is_from_proxied_server(r)) return OK;
  ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                SHLOGNO(105) "a proxied server asks for a hand-off to %s, and SocketHandoffAllowProxied is Off: set it "
                "On in the <Location> of that server if it is yours",
                handoff.sockets);
  return HTTP_FORBIDDEN;
}

int check_data(request_rec* r, const RequestedHandoff& handoff, const Settings& settings) {
  if (handoff.body_encoding) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(108) "the body with the data for a hand-off is encoded as %s, which the daemon cannot read",
                  handoff.body_encoding);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  if (handoff.is_body_too_large) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(107) "the body with the data for a hand-off has more than the %d bytes of "
                  "SocketHandoffMaxDataSize",
                  settings.max_data_size());
    return HTTP_REQUEST_ENTITY_TOO_LARGE;
  }
  if (handoff.data.size() > static_cast<std::size_t>(settings.max_data_size())) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(102) "%s has %" APR_SIZE_T_FMT " bytes, more than the %d of SocketHandoffMaxDataSize",
                  handoff_protocol::kDataHeader, handoff.data.size(), settings.max_data_size());
    return HTTP_REQUEST_ENTITY_TOO_LARGE;
  }
  return OK;
}

// Responses to earlier requests of this connection may still be buffered: flush them first.
void flush_earlier_responses(conn_rec* c) {
  apr_bucket_brigade* flush = apr_brigade_create(c->pool, c->bucket_alloc);
  APR_BRIGADE_INSERT_TAIL(flush, apr_bucket_flush_create(c->bucket_alloc));
  ap_pass_brigade(c->output_filters, flush);  // a client that cannot be written to is marked as aborted
  apr_brigade_destroy(flush);
}

// From here on Apache neither reads from the client nor writes to it nor lingers on it, with any MPM: `aborted` stops
// the core filters and the lingering close, and what still uses the descriptor finds the dead socket.
//
// The descriptor's number stays: httpd and APR have it in many places. A new apr_socket_t in its place would have to
// live in the connection's pool, and one in the request's pool would be used after it is freed.
void release_client(request_rec* r, int client, const DeadSocket& dead_socket) {
  SH_CHECK(!r->main && !r->connection->master);
  r->connection->aborted = 1;
  r->connection->keepalive = AP_CONN_CLOSE;
  if (!dead_socket.replace(client)) {
    ap_log_rerror(APLOG_MARK, APLOG_CRIT, APR_FROM_OS_ERROR(apr_get_os_error()), r,
                  SHLOGNO(302) "descriptor %d could not be replaced after the hand-off", client);
  }
}

// The status that the client gets; sets Retry-After if the daemon named one.
int response_status(request_rec* r, const Candidate& decisive) {
  if (decisive.state == Candidate::State::kNotAllowed) return http_status(decisive.problem);
  if (decisive.state != Candidate::State::kRefused) return HTTP_SERVICE_UNAVAILABLE;
  if (decisive.retry_after_seconds > 0) {
    apr_table_unset(r->headers_out, "Retry-After");
    apr_table_set(r->err_headers_out, "Retry-After", apr_itoa(r->pool, decisive.retry_after_seconds));
  }
  return decisive.status;
}

// Borrows `allowed_prefixes`.
SocketRules rules_for(const Payload& payload, const Settings& settings, const Prefixes::Value& allowed_prefixes) {
  SocketRules rules{.allowed_prefixes = allowed_prefixes.span()};
  if (settings.stream_sockets()) {
    rules.stream_sockets = payload.is_fit_for_stream_socket() ? StreamSockets::kAllowed : StreamSockets::kUnfitData;
  }
  return rules;
}

// Borrows the rules' prefixes and `key_users`.
DeliveryLimits limits_of(const Settings& settings, const SocketRules& rules, const Passage& passage,
                         const Users::Value& key_users) {
  DeliveryLimits limits{.rules = rules,
                        .schedule = RetrySchedule(settings.connect_timeout(), settings.max_retries()),
                        .send_timeout = settings.send_timeout(),
                        .answer_timeout = std::nullopt,
                        .key_users = key_users.span()};
  const bool waits_for_answer = settings.acknowledge() || !passage.keys.empty();
  if (waits_for_answer) limits.answer_timeout = settings.acknowledge_timeout();
  return limits;
}

// A hand-off on its way: what was asked for, the filter behind which a relayed answer continues, and the outcome so
// far.
struct Attempt {
  ap_filter_t* filter;
  const RequestedHandoff& handoff;
  const Settings& settings;
  Outcome outcome = Outcome::kFailed;

  request_rec* request() const { return filter->r; }
};

// A "status" of hand_off_socket(): no daemon was given the keys, and one that is there can serve the client by a relay.
constexpr int kMustBeRelayed = -100;

// Offers the client to the daemons. OK if one has it; otherwise the status for the client, or kMustBeRelayed.
int deliver_client(Attempt& attempt, const Passage& passage) {
  request_rec* r = attempt.request();
  const SocketList sockets(attempt.handoff.sockets);
  Candidate all[SocketList::kMaxSockets];
  const std::span<Candidate> candidates(all, sockets.paths().size());
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].path = sockets.paths()[i];

  const Prefixes::Value allowed_prefixes = attempt.settings.allowed_prefixes();
  const Users::Value key_users = attempt.settings.tls_users();
  const Payload payload = make_payload(r, attempt.handoff.data, attempt.settings, passage);
  const SocketRules rules = rules_for(payload, attempt.settings, allowed_prefixes);
  const Delivery delivery = deliver(child_process().sockets, passage.client, payload, candidates,
                                    limits_of(attempt.settings, rules, passage, key_users));
  if (delivery.end == Delivery::End::kNotTaken) {
    if (const Candidate* candidate = find_relaying(candidates)) {
      log_relaying_daemon(r, *candidate);
      return kMustBeRelayed;
    }
    const Candidate& failed = decisive(candidates);
    log_failure(r, candidates, failed, sockets, allowed_prefixes.span());
    if (failed.state == Candidate::State::kRefused) attempt.outcome = Outcome::kRefused;
    return response_status(r, failed);
  }
  log_delivery(r, delivery, candidates, sockets, attempt.handoff.data.size());
  if (delivery.end != Delivery::End::kTakenInPart) attempt.outcome = Outcome::kAccepted;
  return OK;
}

int report_lack_of_descriptors(request_rec* r, int error) {
  log_lack_of_descriptors(r, error);
  return HTTP_SERVICE_UNAVAILABLE;
}

int hand_off_socket(Attempt& attempt, const ConnectionKeys& keys) {
  request_rec* r = attempt.request();
  apr_os_sock_t client = -1;
  apr_os_sock_get(&client, ap_get_conn_socket(r->connection));
  const DeadSocket& dead_socket = child_process().dead_socket;
  if (!dead_socket) return report_lack_of_descriptors(r, EMFILE);

  // When Apache is stopped hard, a child closes its clients under the threads that serve them.
  const UniqueDescriptor ours(::fcntl(client, F_DUPFD_CLOEXEC, 0));
  if (!ours) return errno == EBADF ? HTTP_SERVICE_UNAVAILABLE : report_lack_of_descriptors(r, errno);
  const int status = deliver_client(attempt, {AnswerPath::kDirect, ours.get(), keys.text()});
  if (status != OK) return status;
  release_client(r, client, dead_socket);
  if (!keys.text().empty()) release_tls(r->connection);
  return OK;
}

int relay(Attempt& attempt, const char* reason) {
  request_rec* r = attempt.request();
  if (!attempt.settings.relay()) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(101) "this request cannot be handed off to %s: %s (SocketHandoffRelay is Off)",
                  attempt.handoff.sockets, reason);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  log_relay(r, reason);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return report_lack_of_descriptors(r, errno);
  UniqueDescriptor apaches_end(ends[0]);
  {
    const UniqueDescriptor daemons_end(ends[1]);
    const int status = deliver_client(attempt, {AnswerPath::kRelayed, daemons_end.get(), {}});
    if (status != OK) return status;
  }
  remove_cache_filters(r);
  const int status = relay_answer(r, attempt.filter, std::move(apaches_end));
  attempt.outcome = status == OK ? Outcome::kRelayed : Outcome::kFailed;
  return status;
}

int try_handoff(Attempt& attempt) {
  request_rec* r = attempt.request();
  if (const int status = check_origin(r, attempt.handoff, attempt.settings); status != OK) return status;
  if (const int status = check_data(r, attempt.handoff, attempt.settings); status != OK) return status;
  if (attempt.handoff.data.empty()) log_missing_data(r, attempt.handoff.sockets);
  if (const int status = drain_request_body(r); status != OK) return status;
  flush_earlier_responses(r->connection);
  if (r->connection->aborted) {
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(002) "the client left before the hand-off");
    return OK;
  }
  ConnectionKeys keys;
  const Verdict verdict = can_leave_apache(r, attempt.settings, keys);
  if (!verdict.is_yes()) return relay(attempt, verdict.reason());
  const int status = hand_off_socket(attempt, keys);
  return status == kMustBeRelayed ? relay(attempt, "its daemon is not given the keys of TLS connections") : status;
}

}  // namespace

int hand_off(ap_filter_t* filter, const RequestedHandoff& handoff, const Settings& settings) {
  SH_CHECK(handoff && !filter->r->main);
  Attempt attempt{.filter = filter, .handoff = handoff, .settings = settings};
  const int status = try_handoff(attempt);
  record_outcome(filter->r, attempt.outcome);
  return status;
}

}  // namespace socket_handoff
