// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/request_body.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/handler_response.h"

namespace socket_handoff {
namespace {

// A handler that leaves more unread is not worth more of a worker's time.
constexpr apr_off_t kMaxDrainedBytes = 16 * 1024 * 1024;
constexpr apr_off_t kReadBytes = 64 * 1024;

// Limits how long reads wait for the client, while this lives.
class SocketTimeout {
 public:
  // Not for HTTP/2: other threads use its socket, and read_http2_stream() waits in another way.
  explicit SocketTimeout(conn_rec* c) : socket_(c->master ? nullptr : ap_get_conn_socket(c)) {
    if (socket_) apr_socket_timeout_get(socket_, &former_);
  }
  ~SocketTimeout() {
    if (socket_) apr_socket_timeout_set(socket_, former_);
  }
  void limit_to(std::chrono::microseconds time) {
    if (!socket_) return;
    const apr_interval_time_t limit = time.count();
    apr_socket_timeout_set(socket_, former_ > 0 && former_ < limit ? former_ : limit);
  }

 private:
  apr_socket_t* socket_;
  apr_interval_time_t former_ = 0;
};

ap_filter_rec_t* body_limit_record;  // written when the module is loaded, before there are threads

// The filter's state, in the request's pool, from the first read that is limited.
struct BodyLimit {
  Deadline deadline;
  apr_off_t bytes = 0;
  int status = OK;  // not OK once a limit was reached: the body has ended, whatever the client sends
};
static_assert(std::is_trivially_destructible_v<BodyLimit>);

void start_limit(ap_filter_t* filter) {
  if (filter->ctx) return;
  filter->ctx = new (apr_palloc(filter->r->pool, sizeof(BodyLimit)))
      BodyLimit{.deadline = Deadline(settings_of(filter->r).drain_timeout())};
}

BodyLimit* limit_of(ap_filter_t* filter) {
  if (asks_for_handoff(filter->r)) start_limit(filter);
  return static_cast<BodyLimit*>(filter->ctx);
}

apr_status_t end_body(ap_filter_t* filter, apr_bucket_brigade* brigade, int status) {
  SH_CHECK(filter->ctx && status != OK);
  static_cast<BodyLimit*>(filter->ctx)->status = status;
  apr_brigade_cleanup(brigade);
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(filter->c->bucket_alloc));
  return APR_SUCCESS;
}

// How often to look for more of an HTTP/2 stream, which has neither a descriptor to poll nor a timeout to set.
constexpr int kLookForMoreMs = 10;

apr_status_t read_http2_stream(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_off_t bytes,
                               const Deadline& deadline) {
  while (!filter->c->aborted) {
    const apr_status_t status = ap_get_brigade(filter->next, brigade, mode, APR_NONBLOCK_READ, bytes);
    const bool is_nothing = APR_STATUS_IS_EAGAIN(status) || (status == APR_SUCCESS && APR_BRIGADE_EMPTY(brigade));
    if (!is_nothing) return status;
    if (deadline.has_passed()) return APR_TIMEUP;
    ::poll(nullptr, 0, std::min(kLookForMoreMs, deadline.remaining_ms()));
  }
  return APR_ECONNABORTED;
}

apr_status_t read_within(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_read_type_e block,
                         apr_off_t bytes, const Deadline& deadline) {
  if (filter->c->master && block == APR_BLOCK_READ) return read_http2_stream(filter, brigade, mode, bytes, deadline);
  SocketTimeout timeout(filter->c);
  timeout.limit_to(deadline.remaining());
  return ap_get_brigade(filter->next, brigade, mode, block, bytes);
}

apr_status_t limit_body(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_read_type_e block,
                        apr_off_t bytes) {
  BodyLimit* limit = limit_of(filter);
  if (!limit) return ap_get_brigade(filter->next, brigade, mode, block, bytes);
  if (limit->status != OK) return end_body(filter, brigade, limit->status);
  if (limit->deadline.has_passed()) return end_body(filter, brigade, HTTP_REQUEST_TIME_OUT);

  const apr_status_t status = read_within(filter, brigade, mode, block, bytes, limit->deadline);
  if (APR_STATUS_IS_TIMEUP(status)) return end_body(filter, brigade, HTTP_REQUEST_TIME_OUT);
  if (status != APR_SUCCESS) return status;
  apr_off_t length = 0;
  apr_brigade_length(brigade, 0, &length);
  if (length > 0) limit->bytes += length;
  SH_CHECK(limit->bytes >= 0);
  return limit->bytes > kMaxDrainedBytes ? end_body(filter, brigade, HTTP_REQUEST_ENTITY_TOO_LARGE) : APR_SUCCESS;
}

ap_filter_t* find_filter(const request_rec* r) {
  for (ap_filter_t* filter = r->input_filters; filter; filter = filter->next) {
    if (filter->frec == body_limit_record) return filter;
  }
  return nullptr;
}

bool has_body(const request_rec* r) {
  // An HTTP/2 request may have a body without either header.
  if (r->connection->master || apr_table_get(r->headers_in, "Transfer-Encoding")) return true;
  const char* length = apr_table_get(r->headers_in, "Content-Length");
  return length && std::strcmp(length, "0") != 0;
}

int refuse_body(request_rec* r, int status) {
  const char* reason = status == HTTP_REQUEST_TIME_OUT ? "did not come within SocketHandoffDrainTimeoutMs"
                       : status == HTTP_REQUEST_ENTITY_TOO_LARGE
                           ? "was not read by its handler, and is too large to be dropped"
                           : "broke off";
  ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, SHLOGNO(103) "no hand-off, because the request's body %s", reason);
  return status;
}

// Drops what has come, and sets `is_end` at EOS. OK, or the status of an error bucket.
int drop_buckets(apr_bucket_brigade* brigade, bool& is_end) {
  while (!APR_BRIGADE_EMPTY(brigade)) {
    apr_bucket* bucket = APR_BRIGADE_FIRST(brigade);
    if (AP_BUCKET_IS_ERROR(bucket)) return static_cast<ap_bucket_error*>(bucket->data)->status;
    is_end = is_end || APR_BUCKET_IS_EOS(bucket);
    apr_bucket_delete(bucket);
  }
  return OK;
}

}  // namespace

void register_body_limit_filter() {
  body_limit_record = ap_register_input_filter("SOCKET_HANDOFF_BODY_LIMIT", limit_body, nullptr, AP_FTYPE_RESOURCE);
}

void insert_body_limit_filter(request_rec* r) {
  if (!r->main && has_body(r)) ap_add_input_filter_handle(body_limit_record, nullptr, r, r->connection);
}

int drain_request_body(request_rec* r) {
  if (!has_body(r)) return OK;
  // The headers that asked for the hand-off have been removed from the response by now.
  ap_filter_t* filter = find_filter(r);
  if (filter) start_limit(filter);
  apr_bucket_brigade* brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
  for (bool is_end = false; !is_end;) {
    const apr_status_t status =
        ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ, kReadBytes);
    if (status != APR_SUCCESS) return refuse_body(r, ap_map_http_request_error(status, HTTP_BAD_REQUEST));
    if (const int problem = drop_buckets(brigade, is_end); problem != OK) return refuse_body(r, problem);
  }
  const int status = filter ? static_cast<const BodyLimit*>(filter->ctx)->status : OK;
  return status == OK ? OK : refuse_body(r, status);
}

}  // namespace socket_handoff
