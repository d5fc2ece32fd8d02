#include "mod_socket_handoff/handoff.h"

#include <apr_portable.h>
#include <apr_strings.h>

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "mod_socket_handoff/child.h"
#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/filters.h"
#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/handoff_payload.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/relay.h"
#include "mod_socket_handoff/request_body.h"
#include "mod_socket_handoff/socket_path.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

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

// Answers to earlier requests of this connection may still wait in Apache for company. The daemon's come after them.
void send_pending_output(conn_rec* c) {
  apr_bucket_brigade* flush = apr_brigade_create(c->pool, c->bucket_alloc);
  APR_BRIGADE_INSERT_TAIL(flush, apr_bucket_flush_create(c->bucket_alloc));
  ap_pass_brigade(c->output_filters, flush);  // a client that cannot be written to is marked as aborted
  apr_brigade_destroy(flush);
}

// From here on Apache neither reads nor writes nor lingers on the client, in any of its MPMs: `aborted` stops the core
// filters and the lingering close, and whatever uses the descriptor all the same meets the dead socket.
void let_go_of_client(request_rec* r, int client, const DeadSocket& dead_socket) {
  r->connection->aborted = 1;
  r->connection->keepalive = AP_CONN_CLOSE;
  if (!dead_socket.lay_over(client)) {
    ap_log_rerror(APLOG_MARK, APLOG_CRIT, APR_FROM_OS_ERROR(apr_get_os_error()), r,
                  SHLOGNO(302) "descriptor %d could not be replaced after the hand-off", client);
  }
}

// The status that the client gets, its Retry-After set.
int answer_of(request_rec* r, const Candidate& decisive) {
  if (decisive.state == Candidate::State::kNotAllowed) return http_status(decisive.problem);
  if (decisive.state != Candidate::State::kRefused) return HTTP_SERVICE_UNAVAILABLE;
  if (decisive.retry_after_seconds > 0) {
    apr_table_unset(r->headers_out, "Retry-After");
    apr_table_set(r->err_headers_out, "Retry-After", apr_itoa(r->pool, decisive.retry_after_seconds));
  }
  return decisive.status;
}

// `allowed_prefixes` must live as long as the rules.
SocketRules rules_for(const Payload& payload, const Settings& settings, const Prefixes::Value& allowed_prefixes) {
  SocketRules rules{.allowed_prefixes = allowed_prefixes.span()};
  if (settings.stream_sockets()) {
    rules.stream_sockets = payload.is_fit_for_stream_socket() ? StreamSockets::kAllowed : StreamSockets::kUnfitData;
  }
  return rules;
}

DeliveryLimits limits_of(const Settings& settings, const SocketRules& rules) {
  DeliveryLimits limits{.rules = rules,
                        .schedule = RetrySchedule(settings.connect_timeout(), settings.max_retries()),
                        .send_timeout = settings.send_timeout(),
                        .answer_timeout = std::nullopt};
  if (settings.acknowledge()) limits.answer_timeout = settings.acknowledge_timeout();
  return limits;
}

// A hand-off on its way: what was asked for, and where its answer would go.
struct Attempt {
  ap_filter_t* filter;
  const RequestedHandoff& handoff;
  const Settings& settings;
  Outcome outcome = Outcome::kFailed;

  request_rec* request() const { return filter->r; }
};

// OK where a daemon has the client, else a status.
int deliver_client(Attempt& attempt, int client, AnswerGoes way) {
  request_rec* r = attempt.request();
  const SocketList sockets(attempt.handoff.sockets);
  Candidate room[SocketList::kMaxSockets];
  const std::span<Candidate> candidates(room, sockets.paths().size());
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].path = sockets.paths()[i];

  const Prefixes::Value allowed_prefixes = attempt.settings.allowed_prefixes();
  const Payload payload = make_payload(r, attempt.handoff.data, attempt.settings, way);
  const SocketRules rules = rules_for(payload, attempt.settings, allowed_prefixes);
  const Delivery delivery =
      deliver(child_process().sockets, client, payload, candidates, limits_of(attempt.settings, rules));
  if (delivery.end == Delivery::End::kNotTaken) {
    const Candidate& failed = decisive(candidates);
    log_failure(r, candidates, failed, sockets, allowed_prefixes.span());
    if (failed.state == Candidate::State::kRefused) attempt.outcome = Outcome::kRefused;
    return answer_of(r, failed);
  }
  log_delivery(r, delivery, candidates, sockets, attempt.handoff.data.size());
  if (delivery.end != Delivery::End::kTakenInPart) attempt.outcome = Outcome::kAccepted;
  return OK;
}

int refuse_without_descriptors(request_rec* r, int error) {
  log_want_of_descriptors(r, error);
  return HTTP_SERVICE_UNAVAILABLE;
}

int send_client(Attempt& attempt) {
  request_rec* r = attempt.request();
  apr_os_sock_t client = -1;
  apr_os_sock_get(&client, ap_get_conn_socket(r->connection));
  const DeadSocket& dead_socket = child_process().dead_socket;
  if (!dead_socket) return refuse_without_descriptors(r, EMFILE);

  const int status = deliver_client(attempt, client, AnswerGoes::kToTheClient);
  if (status == OK) let_go_of_client(r, client, dead_socket);
  return status;
}

int relay(Attempt& attempt, const char* obstacle) {
  request_rec* r = attempt.request();
  if (is_first_relay()) {
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                  SHLOGNO(006) "relaying: a request is not handed off because %s; each such answer holds an Apache "
                  "thread until it ends, and over HTTP/2 one of the few requests of its connection that mod_http2 runs "
                  "at a time (this is logged once)",
                  obstacle);
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return refuse_without_descriptors(r, errno);
  UniqueDescriptor ours(ends[0]);
  {
    const UniqueDescriptor theirs(ends[1]);
    const int status = deliver_client(attempt, theirs.get(), AnswerGoes::kThroughApache);
    if (status != OK) return status;
  }
  leave_out_of_cache(r);
  const int status = relay_answer(r, attempt.filter, std::move(ours));
  attempt.outcome = status == OK ? Outcome::kRelayed : Outcome::kFailed;
  return status;
}

int try_handoff(Attempt& attempt) {
  request_rec* r = attempt.request();
  if (const int status = check_origin(r, attempt.handoff, attempt.settings); status != OK) return status;
  const char* obstacle = obstacle_to_handoff(r);
  if (obstacle && !attempt.settings.relay()) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(101) "this request cannot be handed off to %s: %s (SocketHandoffRelay is Off)",
                  attempt.handoff.sockets, obstacle);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  if (const int status = check_data(r, attempt.handoff, attempt.settings); status != OK) return status;
  if (attempt.handoff.data.empty()) log_missing_data(r, attempt.handoff.sockets);
  if (const int status = drain_request_body(r); status != OK) return status;
  send_pending_output(r->connection);
  if (r->connection->aborted) {
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(002) "the client left before the hand-off");
    return OK;
  }
  return obstacle ? relay(attempt, obstacle) : send_client(attempt);
}

}  // namespace

int hand_off(ap_filter_t* filter, const RequestedHandoff& handoff, const Settings& settings) {
  Attempt attempt{.filter = filter, .handoff = handoff, .settings = settings};
  const int status = try_handoff(attempt);
  record_outcome(filter->r, attempt.outcome);
  return status;
}

}  // namespace socket_handoff
