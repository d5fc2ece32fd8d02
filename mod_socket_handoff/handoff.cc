// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/handoff.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/child.h"
#include "mod_socket_handoff/client_connection.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/filters.h"
#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/handoff_message.h"
#include "mod_socket_handoff/http2_client.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/relay.h"
#include "mod_socket_handoff/request_body.h"
#include "mod_socket_handoff/reservation.h"
#include "mod_socket_handoff/socket_path.h"
#include "mod_socket_handoff/tls_client.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

// How the daemon's answer reaches the client. After a reservation it is not known yet: directly, or through Apache.
enum class AnswerPath { kDirect, kReserved, kRelayed };

bool is_one_of(const char* name, std::span<const char* const> names) {
  for (const char* wanted : names) {
    if (strcasecmp(name, wanted) == 0) return true;
  }
  return false;
}

// Apache writes the head of a relayed answer, with the handler's headers. Only the daemon's Cache-Control replaces the
// handler's there, so the daemon must know that one.
bool is_for_the_daemon(const char* name, AnswerPath path) {
  return path != AnswerPath::kRelayed || strcasecmp(name, "Cache-Control") == 0;
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
  if (path != AnswerPath::kDirect) return "HTTP/1.1";
  const bool is_downgraded =
      apr_table_get(r->subprocess_env, "downgrade-1.0") || apr_table_get(r->subprocess_env, "force-response-1.0");
  return is_downgraded ? "HTTP/1.0" : r->protocol;
}

// Which browser asks; empty for programs, which do not call themselves so.
std::string_view browser_of(const request_rec* r) {
  constexpr std::size_t kMaxBrowserBytes = 256;
  const char* agent = apr_table_get(r->headers_in, "User-Agent");
  if (!agent || !std::string_view(agent).starts_with("Mozilla/")) return {};
  return std::string_view(agent).substr(0, kMaxBrowserBytes);
}

ApacheFacts facts_of(const request_rec* r, AnswerPath path) {
  ApacheFacts facts;
  if (const char* id = apr_table_get(r->subprocess_env, "UNIQUE_ID")) facts.request_id = id;
  if (r->useragent_ip) facts.client = r->useragent_ip;
  if (r->method) facts.method = r->method;
  if (const char* target = first_request(r)->unparsed_uri) facts.uri = path_of(target);
  facts.protocol = protocol_of(r, path);
  if (const char* id = apr_table_get(r->headers_in, "Last-Event-ID")) facts.last_event_id = id;
  if (path == AnswerPath::kReserved) facts.browser = browser_of(r);
  return facts;
}

// What Apache knows of the request, put in front of the handler's data if that is a JSON object. Borrows the keys.
Payload make_payload(request_rec* r, std::string_view data, const Settings& settings, AnswerPath path,
                     std::string_view keys) {
  const std::optional<std::string_view> rest = rest_of_object(data);
  if (!rest) return {.connection_part = keys, .front = {}, .rest = data, .is_json_object = false};

  ApacheFacts facts = facts_of(r, path);
  apr_array_header_t* fields = apr_array_make(r->pool, 4, sizeof(HeaderField));
  const HeaderNames::Value names = settings.forward_headers();
  collect_fields(r->err_headers_out, names.span(), path, fields);
  collect_fields(r->headers_out, names.span(), path, fields);
  facts.headers = {reinterpret_cast<const HeaderField*>(fields->elts), static_cast<std::size_t>(fields->nelts)};

  JsonText size;
  write_front(size, facts, *rest);
  JsonText front(static_cast<char*>(apr_palloc(r->pool, size.size())), size.size());
  write_front(front, facts, *rest);
  SH_CHECK(front.size() == size.size());
  return {.connection_part = keys, .front = front.text(), .rest = *rest, .is_json_object = true};
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
                  SHLOGNO(108) "the body with the data for a hand-off is encoded as %s, which the daemon cannot read: "
                               "turn the handler's own compression off (PHP: zlib.output_compression)",
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

// A hand-off on its way: what was asked for, the filter behind which a relayed answer continues, and the outcome so
// far.
struct Attempt {
  ap_filter_t* filter;
  const RequestedHandoff& handoff;
  const Settings& settings;
  Outcome outcome = Outcome::kFailed;

  request_rec* request() const { return filter->r; }
};

// What is offered to which daemons, and what has become of it there. On the stack. Borrows the keys.
struct Offer {
  Offer(const Attempt& attempt, AnswerPath path, std::string_view keys)
      : sockets(attempt.handoff.sockets),
        allowed_prefixes(attempt.settings.allowed_prefixes()),
        key_users(attempt.settings.tls_users()),
        payload(make_payload(attempt.request(), attempt.handoff.data, attempt.settings, path, keys)),
        candidates(all, sockets.paths().size()),
        limits{.rules = rules_for(payload, attempt.settings, allowed_prefixes),
               .schedule = RetrySchedule(attempt.settings.connect_timeout(), attempt.settings.max_retries()),
               .send_timeout = attempt.settings.send_timeout(),
               .answer_timeout = std::nullopt,
               .key_users = key_users.span()} {
    for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].path = sockets.paths()[i];
    const bool waits_for_answer = attempt.settings.acknowledge() || !keys.empty() || path == AnswerPath::kReserved;
    if (waits_for_answer) limits.answer_timeout = attempt.settings.acknowledge_timeout();
  }
  Offer(const Offer&) = delete;
  Offer& operator=(const Offer&) = delete;

  const SocketList sockets;
  const Prefixes::Value allowed_prefixes;
  const Users::Value key_users;
  const Payload payload;
  Candidate all[SocketList::kMaxSockets];
  const std::span<Candidate> candidates;
  DeliveryLimits limits;
};

// A "status": no daemon took the connection, and one that is there can serve the client by a relay.
constexpr int kMustBeRelayed = -100;

// Logs what became of an offer. OK if a daemon has the client; otherwise the status for the client, or kMustBeRelayed.
int conclude(Attempt& attempt, const Offer& offer, const Delivery& delivery) {
  request_rec* r = attempt.request();
  if (delivery.end == Delivery::End::kNotTaken) {
    if (const Candidate* candidate = find_relaying(offer.candidates)) {
      log_relaying_daemon(r, *candidate);
      return kMustBeRelayed;
    }
    const Candidate& failed = decisive(offer.candidates);
    log_failure(r, offer.candidates, failed, offer.sockets, offer.allowed_prefixes.span());
    if (failed.state == Candidate::State::kRefused) attempt.outcome = Outcome::kRefused;
    return response_status(r, failed);
  }
  log_delivery(r, delivery, offer.candidates, offer.sockets, attempt.handoff.data.size());
  if (delivery.end != Delivery::End::kTakenInPart) attempt.outcome = Outcome::kAccepted;
  return OK;
}

// Offers the client to the daemons: its own socket, with keys if it carries TLS, or one end of a socket pair. Borrows
// both.
int deliver_client(Attempt& attempt, AnswerPath path, int client, std::string_view keys) {
  Offer offer(attempt, path, keys);
  return conclude(attempt, offer,
                  deliver(child_process().sockets, client, offer.payload, offer.candidates, offer.limits));
}

int report_lack_of_descriptors(request_rec* r, int error) {
  log_lack_of_descriptors(r, error);
  return HTTP_SERVICE_UNAVAILABLE;
}

int hand_off_socket(Attempt& attempt, const WrittenConnectionPart& keys) {
  request_rec* r = attempt.request();
  apr_os_sock_t client = -1;
  apr_os_sock_get(&client, ap_get_conn_socket(r->connection));
  if (!child_process().dead_socket) return report_lack_of_descriptors(r, EMFILE);

  // When Apache is stopped hard, a child closes its clients under the threads that serve them.
  const UniqueDescriptor ours(::fcntl(client, F_DUPFD_CLOEXEC, 0));
  if (!ours) return errno == EBADF ? HTTP_SERVICE_UNAVAILABLE : report_lack_of_descriptors(r, errno);
  const int status = deliver_client(attempt, AnswerPath::kDirect, ours.get(), keys.text());
  if (status != OK) return status;
  SH_CHECK(!r->main);
  release_client(r->connection, client);
  if (!keys.text().empty()) release_tls(r->connection);
  return OK;
}

// Relays the answer of the daemon to which `give` gives one end of a socket pair. Its result is as conclude()'s.
template <class Give>
int relay_answer_of(Attempt& attempt, const char* reason, Give give) {
  request_rec* r = attempt.request();
  if (!attempt.settings.relay()) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(101) "this request cannot be handed off to %s: %s (SocketHandoffRelay is Off)",
                  attempt.handoff.sockets, reason);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  log_relay(r, reason);
  const RelayedStream relayed(r);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return report_lack_of_descriptors(r, errno);
  UniqueDescriptor apaches_end(ends[0]);
  {
    const UniqueDescriptor daemons_end(ends[1]);
    if (const int status = give(daemons_end.get()); status != OK) return status;
  }
  remove_cache_filters(r);
  const int status = relay_answer(r, attempt.filter, std::move(apaches_end));
  attempt.outcome = status == OK ? Outcome::kRelayed : Outcome::kFailed;
  return status;
}

int relay(Attempt& attempt, const char* reason) {
  return relay_answer_of(attempt, reason, [&attempt](int daemons_end) {
    return deliver_client(attempt, AnswerPath::kRelayed, daemons_end, {});
  });
}

// The daemon that keeps the place knows the headers that are forwarded, and its answer brings them.
int relay_from_reserved_place(Attempt& attempt, const Offer& offer, Reservation& reservation, const char* reason) {
  return relay_answer_of(attempt, reason, [&](int daemons_end) {
    const int status = conclude(attempt, offer, reservation.hand_over_relayed(daemons_end));
    if (status != OK) return status;
    const HeaderNames::Value forwarded = attempt.settings.forward_headers();
    for (const char* name : forwarded.span()) {
      apr_table_unset(attempt.request()->headers_out, name);
      apr_table_unset(attempt.request()->err_headers_out, name);
    }
    return OK;
  });
}

// A client gets an interim response for each but the last one, and some clients take only a few.
constexpr int kMaxDepartures = 3;

// Daemons keep a place for ten seconds, and a departure may take two.
constexpr std::chrono::milliseconds kMaxWaitWithPlace(4000);

// Once a place is reserved. As conclude().
int hand_off_to_reserved_place(Attempt& attempt, const Offer& offer, Reservation& reservation) {
  if (reservation.is_relay_only()) {
    return relay_from_reserved_place(
        attempt, offer, reservation,
        "the daemon wants it relayed: its browser has other answers over HTTP/2, or its backend is a program");
  }
  request_rec* r = attempt.request();
  const Deadline deadline(kMaxWaitWithPlace);
  Departure departure = depart(r, reservation);
  for (int i = 1; i < kMaxDepartures && departure.end == Departure::End::kStays; ++i) {
    if (!may_leave_over_http2(r, attempt.settings).is_yes()) break;
    const std::chrono::milliseconds remaining(deadline.remaining_ms());
    if (!wait_for_other_streams(r, std::min(attempt.settings.http2_wait(), remaining)).is_yes()) break;
    departure = depart(r, reservation);
  }
  if (departure.end == Departure::End::kStays) {
    return relay_from_reserved_place(attempt, offer, reservation, departure.reason);
  }
  if (departure.end != Departure::End::kNotTaken) {
    // The primary's thread will do the same. Until then mod_http2 would make a response of its own, 500, in place of
    // the one that never comes, and log that request as well.
    r->connection->aborted = 1;
  }
  if (departure.end == Departure::End::kClientHasLeft) {
    log_client_has_left(r);
    return OK;
  }
  return conclude(attempt, offer, departure.delivery);
}

int hand_off_over_http2(Attempt& attempt) {
  request_rec* r = attempt.request();
  if (const Verdict verdict = may_leave_over_http2(r, attempt.settings); !verdict.is_yes()) {
    return relay(attempt, verdict.reason());
  }
  const std::chrono::milliseconds time_allowed = attempt.settings.http2_wait();
  if (const Verdict verdict = wait_for_other_streams(r, time_allowed); !verdict.is_yes()) {
    return relay(attempt, verdict.reason());
  }
  Offer offer(attempt, AnswerPath::kReserved, {});
  Reservation reservation = reserve(child_process().sockets, offer.payload, is_tls(r->connection->master),
                                    offer.candidates, offer.limits);
  const int status = reservation ? hand_off_to_reserved_place(attempt, offer, reservation) : conclude(attempt, offer, {});
  return status == kMustBeRelayed ? relay(attempt, "its daemon takes no connections over HTTP/2") : status;
}

int hand_off_over_http1(Attempt& attempt) {
  request_rec* r = attempt.request();
  flush_earlier_responses(r->connection);
  if (r->connection->aborted) {
    log_client_has_left(r);
    return OK;
  }
  WrittenConnectionPart keys;
  const Verdict verdict = can_leave_apache(r, attempt.settings, keys);
  if (!verdict.is_yes()) return relay(attempt, verdict.reason());
  const int status = hand_off_socket(attempt, keys);
  return status == kMustBeRelayed ? relay(attempt, "its daemon is not given the keys of TLS connections") : status;
}

int try_handoff(Attempt& attempt) {
  request_rec* r = attempt.request();
  if (const int status = check_origin(r, attempt.handoff, attempt.settings); status != OK) return status;
  if (const int status = check_data(r, attempt.handoff, attempt.settings); status != OK) return status;
  if (attempt.handoff.data.empty()) log_missing_data(r, attempt.handoff.sockets);
  if (const int status = drain_request_body(r); status != OK) return status;
  return r->connection->master ? hand_off_over_http2(attempt) : hand_off_over_http1(attempt);
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
