// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/filters.h"

#include <new>
#include <type_traits>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/handoff.h"

namespace socket_handoff {
namespace {

// Written when the module is loaded, before there are threads.
ap_filter_rec_t* body_filter_record;
ap_filter_rec_t* handoff_filter_record;

// The hand-off filter's state once a hand-off was asked for; before that it has none. In the request's pool.
struct PendingHandoff {
  RequestedHandoff handoff;
  HandlerBody* body_to_fill = nullptr;  // if the body is the data and the body filter has not taken it
  bool is_forbidden = false;            // the body is the data, and SocketHandoffEnabled is Off
  bool is_decided = false;  // EOS was seen: handed off, or answered with an error. What still comes is dropped.
};
static_assert(std::is_trivially_destructible_v<PendingHandoff>);

apr_status_t remove_and_pass(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  ap_filter_t* next = filter->next;
  ap_remove_output_filter(filter);
  return ap_pass_brigade(next, brigade);
}

HandlerBody* create_body(request_rec* r) {
  return HandlerBody::create(r, static_cast<std::size_t>(settings_of(r).max_data_size()));
}

apr_status_t body_filter(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  request_rec* r = filter->r;
  if (!filter->ctx) {
    const bool is_asked_for = asks_for_handoff(r);
    if (is_asked_for) remove_cache_filters(r);
    if (!is_asked_for || !has_data_in_body(r) || !may_be_handed_off(r, settings_of(r)).is_yes()) {
      return remove_and_pass(filter, brigade);
    }
    filter->ctx = create_body(r);
  }
  if (const apr_status_t status = take_data(brigade, static_cast<HandlerBody*>(filter->ctx)); status != APR_SUCCESS) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, SHLOGNO(106) "the response with the data for a hand-off broke off");
    return status;
  }
  return APR_BRIGADE_EMPTY(brigade) ? APR_SUCCESS : ap_pass_brigade(filter->next, brigade);
}

// True if something upstream has given up on the response (a proxy whose backend broke off) or on the connection.
bool has_error(const apr_bucket_brigade* brigade) {
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (AP_BUCKET_IS_ERROR(bucket) || AP_BUCKET_IS_EOC(bucket)) return true;
  }
  return false;
}

bool has_eos(const apr_bucket_brigade* brigade) {
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_EOS(bucket)) return true;
  }
  return false;
}

// Whether the response is the data of a hand-off that SocketHandoffEnabled forbids: a system prompt, perhaps. A response with
// an error is the handler's text for the client.
bool is_secret_of_disabled(const request_rec* r, const RequestedHandoff& handoff) {
  return handoff.data_is_body && !settings_of(r).enabled() && ap_is_HTTP_SUCCESS(r->status);
}

// Null if Apache sends the response. Costs a look-up in each header table if nothing was asked for.
PendingHandoff* find_handoff(request_rec* r) {
  const RequestedHandoff handoff = take_handoff_headers(r);
  if (!handoff) return nullptr;
  if (const Verdict verdict = may_be_handed_off(r, settings_of(r)); !verdict.is_yes()) {
    const int level = settings_of(r).enabled() ? APLOG_DEBUG : APLOG_WARNING;
    ap_log_rerror(APLOG_MARK, level, 0, r, SHLOGNO(003) "not handed off to %s, because %s", handoff.sockets,
                  verdict.reason());
    if (!is_secret_of_disabled(r, handoff)) return nullptr;
    return new (apr_palloc(r->pool, sizeof(PendingHandoff))) PendingHandoff{.handoff = handoff, .is_forbidden = true};
  }
  auto* pending = new (apr_palloc(r->pool, sizeof(PendingHandoff))) PendingHandoff{.handoff = handoff};
  // The body filter has not seen a header that other modules have set since.
  if (handoff.data_is_body && !HandlerBody::of(r)) pending->body_to_fill = create_body(r);
  return pending;
}

int hand_off_at_eos(ap_filter_t* filter, RequestedHandoff& handoff) {
  request_rec* r = filter->r;
  if (handoff.data_is_body) {
    const HandlerBody* body = HandlerBody::of(r);
    SH_CHECK(body);
    handoff.data = body->data();
    handoff.is_body_too_large = body->is_too_large();
    handoff.body_encoding = body->encoding();
  }
  return hand_off(filter, handoff, settings_of(r));
}

// Through ErrorDocument, and complete when ap_die() returns. The filter reports success to the handler, which did its
// part: after an error the handler would log one too, and a proxy would close the connection to its backend.
void answer_with_error(request_rec* r, int status) {
  // The content coding was the dropped body's. httpd would not remove it, because PHP-FPM's headers outlive the error.
  r->content_encoding = nullptr;
  apr_table_unset(r->headers_out, "Content-Encoding");
  apr_table_unset(r->err_headers_out, "Content-Encoding");
  ap_die(status, r);
}

apr_status_t handoff_filter(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  request_rec* r = filter->r;
  if (!filter->ctx) filter->ctx = find_handoff(r);
  auto* pending = static_cast<PendingHandoff*>(filter->ctx);
  if (!pending || (!pending->is_decided && has_error(brigade))) return remove_and_pass(filter, brigade);

  if (const apr_status_t status = take_data(brigade, pending->body_to_fill); status != APR_SUCCESS) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, SHLOGNO(104) "the response that asked for a hand-off broke off");
    return status;
  }
  const bool is_end = has_eos(brigade);
  apr_brigade_cleanup(brigade);
  if (!is_end || pending->is_decided) return APR_SUCCESS;

  pending->is_decided = true;
  pending->body_to_fill = nullptr;
  const int status = pending->is_forbidden ? HTTP_FORBIDDEN : hand_off_at_eos(filter, pending->handoff);
  if (status != OK) answer_with_error(r, status);
  return APR_SUCCESS;
}

}  // namespace

void remove_cache_filters(request_rec* r) {
  ap_filter_t* next;
  for (ap_filter_t* filter = r->output_filters; filter; filter = next) {
    next = filter->next;
    const std::string_view name = filter->frec->name;
    if (name == "cache" || name == "cache_save" || name == "cache_save_subreq") ap_remove_output_filter(filter);
  }
}

void register_output_filters() {
  body_filter_record = ap_register_output_filter("SOCKET_HANDOFF_BODY", body_filter, nullptr, AP_FTYPE_RESOURCE);
  handoff_filter_record = ap_register_output_filter("SOCKET_HANDOFF", handoff_filter, nullptr, AP_FTYPE_CONTENT_SET);
}

void insert_body_filter(request_rec* r) {
  if (!r->main) ap_add_output_filter_handle(body_filter_record, nullptr, r, r->connection);
}

void insert_handoff_filter(request_rec* r) {
  // A subrequest's headers never reach the client.
  if (!r->main) ap_add_output_filter_handle(handoff_filter_record, nullptr, r, r->connection);
}

}  // namespace socket_handoff
