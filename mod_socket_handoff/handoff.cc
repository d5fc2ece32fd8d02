#include "mod_socket_handoff/handoff.h"

#include <apr_portable.h>

#include <utility>

#include "mod_socket_handoff/client_socket.h"
#include "mod_socket_handoff/daemon_connection.h"
#include "mod_socket_handoff/eligibility.h"
#include "mod_socket_handoff/handoff_message.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

int check_request(request_rec* r, const RequestedHandoff& handoff) {
  if (const char* obstacle = obstacle_to_handoff(r)) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, SHLOGNO(101) "this request cannot be handed off to %s: %s",
                  handoff.socket_path, obstacle);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  if (handoff.payload.size() > handoff_protocol::kMaxInlinePayloadBytes) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  SHLOGNO(102) "%s has %" APR_SIZE_T_FMT " bytes, more than the %" APR_SIZE_T_FMT " of a hand-off",
                  handoff_protocol::kDataHeader, handoff.payload.size(), handoff_protocol::kMaxInlinePayloadBytes);
    return HTTP_REQUEST_ENTITY_TOO_LARGE;
  }
  return OK;
}

// The daemon knows nothing of a body that is still on its way and would take it for the client's closing words.
int discard_request_body(request_rec* r) {
  const int status = ap_discard_request_body(r);
  if (status != OK) {
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, SHLOGNO(103) "the request's body broke off before the hand-off");
  }
  return status;
}

// Answers to earlier requests of this connection may still wait in Apache for company. The daemon's come after them.
void send_pending_output(conn_rec* c) {
  apr_bucket_brigade* flush = apr_brigade_create(c->pool, c->bucket_alloc);
  APR_BRIGADE_INSERT_TAIL(flush, apr_bucket_flush_create(c->bucket_alloc));
  ap_pass_brigade(c->output_filters, flush);  // a client that cannot be written to is marked as aborted
  apr_brigade_destroy(flush);
}

int log_connect_failure(request_rec* r, const RequestedHandoff& handoff, const Settings& settings,
                        const DaemonConnection& daemon) {
  if (daemon.problem != PathProblem::kNone) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, SHLOGNO(201) "%s: '%s' %s (SocketHandoffAllowedPrefix is %s)",
                  handoff_protocol::kSocketHeader, handoff.socket_path, explain(daemon.problem),
                  settings.allowed_prefix());
    return http_status(daemon.problem);
  }
  ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(daemon.error), r,
                SHLOGNO(202) "cannot connect to the daemon at %s (attempts: %d); is it running, and may this user use "
                "its socket?",
                handoff.socket_path, daemon.attempts);
  return HTTP_SERVICE_UNAVAILABLE;
}

int log_send_result(request_rec* r, const RequestedHandoff& handoff, const SendResult& sent) {
  if (!sent.client_is_gone) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(sent.error), r,
                  SHLOGNO(203) "the daemon at %s did not take the hand-off", handoff.socket_path);
    return HTTP_SERVICE_UNAVAILABLE;
  }
  if (sent.error) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(sent.error), r,
                  SHLOGNO(204) "the daemon at %s took the client and only a part of the data", handoff.socket_path);
  } else {
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(001) "handed off to %s with %" APR_SIZE_T_FMT " bytes",
                  handoff.socket_path, handoff.payload.size());
  }
  return OK;
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

int send_client(request_rec* r, const RequestedHandoff& handoff, const Settings& settings) {
  apr_os_sock_t client = -1;
  apr_os_sock_get(&client, ap_get_conn_socket(r->connection));

  DeadSocket dead_socket = DeadSocket::create();
  if (!dead_socket) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(apr_get_os_error()), r,
                  SHLOGNO(301) "no descriptors for a hand-off");
    return HTTP_SERVICE_UNAVAILABLE;
  }

  const DaemonConnection daemon = connect_to_daemon(handoff.socket_path, settings.allowed_prefix(),
                                                    RetrySchedule(settings.connect_timeout(), settings.max_retries()));
  if (!daemon.socket) return log_connect_failure(r, handoff, settings, daemon);

  const SendResult sent = send_handoff(daemon.socket.get(), client, handoff.payload, settings.send_timeout());
  if (sent.client_is_gone) let_go_of_client(r, client, std::move(dead_socket));
  return log_send_result(r, handoff, sent);
}

}  // namespace

int hand_off(request_rec* r, const RequestedHandoff& handoff, const Settings& settings) {
  if (const int status = check_request(r, handoff); status != OK) return status;
  if (const int status = discard_request_body(r); status != OK) return status;
  send_pending_output(r->connection);
  if (r->connection->aborted) {
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(002) "the client left before the hand-off");
    return OK;
  }
  return send_client(r, handoff, settings);
}

}  // namespace socket_handoff
