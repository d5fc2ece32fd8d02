#include "mod_socket_handoff/handoff.h"

#include <apr_portable.h>
#include <apr_strings.h>

#include <utility>

#include "mod_socket_handoff/client_socket.h"
#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/eligibility.h"
#include "mod_socket_handoff/handoff_log.h"
#include "mod_socket_handoff/handoff_payload.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/request_body.h"
#include "mod_socket_handoff/socket_list.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

int check_request(request_rec* r, const RequestedHandoff& handoff, const Settings& settings) {
  if (const char* obstacle = obstacle_to_handoff(r)) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, SHLOGNO(101) "this request cannot be handed off to %s: %s",
                  handoff.sockets, obstacle);
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
void let_go_of_client(request_rec* r, int client, DeadSocket dead_socket) {
  r->connection->aborted = 1;
  r->connection->keepalive = AP_CONN_CLOSE;
  if (!std::move(dead_socket).lay_over(client)) {
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

// `allowed_prefixes` must live as long as the limits.
DeliveryLimits limits_of(const Settings& settings, const Directories::Value& allowed_prefixes) {
  DeliveryLimits limits{.allowed_prefixes = allowed_prefixes.span(),
                        .schedule = RetrySchedule(settings.connect_timeout(), settings.max_retries()),
                        .send_timeout = settings.send_timeout(),
                        .answer_timeout = std::nullopt};
  if (settings.acknowledge()) limits.answer_timeout = settings.acknowledge_timeout();
  return limits;
}

int send_client(request_rec* r, const RequestedHandoff& handoff, const Settings& settings, Outcome& outcome) {
  apr_os_sock_t client = -1;
  apr_os_sock_get(&client, ap_get_conn_socket(r->connection));

  DeadSocket dead_socket = DeadSocket::create();
  if (!dead_socket) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(apr_get_os_error()), r,
                  SHLOGNO(301) "no descriptors for a hand-off");
    return HTTP_SERVICE_UNAVAILABLE;
  }

  const SocketList sockets(handoff.sockets);
  if (sockets.is_too_long()) {
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, SHLOGNO(105) "%s names more than %d sockets; the rest is not tried",
                  handoff_protocol::kSocketHeader, static_cast<int>(SocketList::kMaxSockets));
  }
  Candidate room[SocketList::kMaxSockets];
  const std::span<Candidate> candidates(room, sockets.paths().size());
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].path = sockets.paths()[i];

  const Directories::Value allowed_prefixes = settings.allowed_prefixes();
  const Payload payload = make_payload(r, handoff.data, settings, ResponseHeaders::kPassOn);
  const Delivery delivery = deliver(client, payload, candidates, limits_of(settings, allowed_prefixes));
  if (delivery.end == Delivery::End::kNotTaken) {
    const Candidate& failed = decisive(candidates);
    log_failure(r, candidates, failed, allowed_prefixes.span());
    if (failed.state == Candidate::State::kRefused) outcome = Outcome::kRefused;
    return answer_of(r, failed);
  }
  if (delivery.end != Delivery::End::kTakenInPart) outcome = Outcome::kAccepted;
  let_go_of_client(r, client, std::move(dead_socket));
  log_delivery(r, delivery, candidates, handoff.data.size());
  return OK;
}

int try_handoff(request_rec* r, const RequestedHandoff& handoff, const Settings& settings, Outcome& outcome) {
  if (const int status = check_request(r, handoff, settings); status != OK) return status;
  if (const int status = drain_request_body(r); status != OK) return status;
  send_pending_output(r->connection);
  if (r->connection->aborted) {
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(002) "the client left before the hand-off");
    return OK;
  }
  return send_client(r, handoff, settings, outcome);
}

}  // namespace

int hand_off(request_rec* r, const RequestedHandoff& handoff, const Settings& settings) {
  Outcome outcome = Outcome::kFailed;
  const int status = try_handoff(r, handoff, settings, outcome);
  record_outcome(r, outcome);
  return status;
}

}  // namespace socket_handoff
