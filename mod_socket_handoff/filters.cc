#include "mod_socket_handoff/filters.h"

#include <new>
#include <type_traits>

#include "mod_socket_handoff/handler_response.h"
#include "mod_socket_handoff/handoff.h"

namespace socket_handoff {
namespace {

ap_filter_rec_t* early_filter_record;  // written when the module is loaded, before there are threads

apr_status_t early_filter(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  request_rec* r = filter->r;
  ap_filter_t* next = filter->next;
  auto* body = static_cast<ResponseBody*>(filter->ctx);
  if (!body) {
    const bool is_asked_for = asks_for_handoff(r);
    if (is_asked_for) {
      leave_out_of_cache(r);
      next = filter->next;
    }
    if (!is_asked_for || !has_data_in_body(r) || reason_to_answer_here(r, settings_of(r))) {
      ap_remove_output_filter(filter);
      return ap_pass_brigade(next, brigade);
    }
    filter->ctx = body = ResponseBody::create(r, static_cast<std::size_t>(settings_of(r).max_data_size()));
  }
  if (const apr_status_t status = take_data(brigade, body); status != APR_SUCCESS) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, SHLOGNO(106) "the response with the data for a hand-off broke off");
    return status;
  }
  return APR_BRIGADE_EMPTY(brigade) ? APR_SUCCESS : ap_pass_brigade(next, brigade);
}

}  // namespace

void leave_out_of_cache(request_rec* r) {
  ap_filter_t* next;
  for (ap_filter_t* filter = r->output_filters; filter; filter = next) {
    next = filter->next;
    const std::string_view name = filter->frec->name;
    if (name == "cache" || name == "cache_save" || name == "cache_save_subreq") ap_remove_output_filter(filter);
  }
}

void register_early_filter() {
  early_filter_record = ap_register_output_filter("SOCKET_HANDOFF_BODY", early_filter, nullptr, AP_FTYPE_RESOURCE);
}

void insert_early_filter(request_rec* r) {
  if (!r->main) ap_add_output_filter_handle(early_filter_record, nullptr, r, r->connection);
}

namespace {

ap_filter_rec_t* handoff_filter_record;  // written when the module is loaded, before there are threads

// The filter's memory once a hand-off was asked for; before that it has none. In the request's pool.
struct PendingHandoff {
  RequestedHandoff handoff;
  ResponseBody* body_to_fill = nullptr;  // where the body is the data and the early filter has not taken it
  bool is_decided = false;  // the end was seen: handed off, or answered with an error. What still comes is dropped.
};
static_assert(std::is_trivially_destructible_v<PendingHandoff>);

apr_status_t step_aside(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  ap_filter_t* next = filter->next;
  ap_remove_output_filter(filter);
  return ap_pass_brigade(next, brigade);
}

// True where something upstream has given up on the response (a proxy whose backend broke off) or on the connection.
bool has_failed(const apr_bucket_brigade* brigade) {
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (AP_BUCKET_IS_ERROR(bucket) || AP_BUCKET_IS_EOC(bucket)) return true;
  }
  return false;
}

bool has_end(const apr_bucket_brigade* brigade) {
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_EOS(bucket)) return true;
  }
  return false;
}

// Null where the response is Apache's to send. Costs a look-up in each table where nothing was asked for.
PendingHandoff* find_handoff(request_rec* r) {
  const RequestedHandoff handoff = take_handoff_headers(r);
  if (!handoff) return nullptr;
  if (const char* reason = reason_to_answer_here(r, settings_of(r))) {
    const int level = settings_of(r).enabled() ? APLOG_DEBUG : APLOG_WARNING;
    ap_log_rerror(APLOG_MARK, level, 0, r, SHLOGNO(003) "not handed off to %s, because %s", handoff.sockets, reason);
    return nullptr;
  }
  auto* pending = new (apr_palloc(r->pool, sizeof(PendingHandoff))) PendingHandoff{.handoff = handoff};
  // The early filter has not seen a header that other modules have set since.
  if (handoff.data_is_body && !ResponseBody::of(r)) {
    pending->body_to_fill = ResponseBody::create(r, static_cast<std::size_t>(settings_of(r).max_data_size()));
  }
  return pending;
}

int hand_off_at_end(ap_filter_t* filter, RequestedHandoff& handoff) {
  request_rec* r = filter->r;
  if (handoff.data_is_body) {
    const ResponseBody* body = ResponseBody::of(r);
    handoff.data = body->data();
    handoff.is_body_too_large = body->is_too_large();
    handoff.body_encoding = body->encoding();
  }
  return hand_off(filter, handoff, settings_of(r));
}

// By way of ErrorDocument, and complete when ap_die() returns. The handler did its part and its filter chain is told
// so: of a failure it would log an error of its own, and a proxy would close the connection to its backend.
void answer_with_error(request_rec* r, int status) {
  // Said of the body that was dropped; httpd would say it of its own, as PHP-FPM's headers outlive the error.
  r->content_encoding = nullptr;
  apr_table_unset(r->headers_out, "Content-Encoding");
  apr_table_unset(r->err_headers_out, "Content-Encoding");
  ap_die(status, r);
}

apr_status_t handoff_filter(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  request_rec* r = filter->r;
  if (!filter->ctx) filter->ctx = find_handoff(r);
  auto* pending = static_cast<PendingHandoff*>(filter->ctx);
  if (!pending || (!pending->is_decided && has_failed(brigade))) return step_aside(filter, brigade);

  if (const apr_status_t status = take_data(brigade, pending->body_to_fill); status != APR_SUCCESS) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, SHLOGNO(104) "the response that asked for a hand-off broke off");
    return status;
  }
  const bool is_end = has_end(brigade);
  apr_brigade_cleanup(brigade);
  if (!is_end || pending->is_decided) return APR_SUCCESS;

  pending->is_decided = true;
  pending->body_to_fill = nullptr;
  const int status = hand_off_at_end(filter, pending->handoff);
  if (status != OK) answer_with_error(r, status);
  return APR_SUCCESS;
}

}  // namespace

void register_handoff_filter() {
  handoff_filter_record = ap_register_output_filter("SOCKET_HANDOFF", handoff_filter, nullptr, AP_FTYPE_CONTENT_SET);
}

void insert_handoff_filter(request_rec* r) {
  // A subrequest's headers never reach the client.
  if (!r->main) ap_add_output_filter_handle(handoff_filter_record, nullptr, r, r->connection);
}

}  // namespace socket_handoff
