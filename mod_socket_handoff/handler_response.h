// SPDX-License-Identifier: Apache-2.0
// What a handler's response asks for, and whether it gets it: its headers, its body if that is the data, who wrote it,
// and whether the connection can be handed off. All functions run on the Apache thread that serves the request.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <string_view>

#include "mod_socket_handoff/handoff_message.h"
#include "mod_socket_handoff/verdict.h"

namespace socket_handoff {

// The hand-off that a handler's response headers ask for. Borrows from the request's pool.
struct RequestedHandoff {
  char* sockets = nullptr;  // the list as written; null if none was asked for
  bool data_is_body = false;

  // Known at the response's end:
  bool is_body_too_large = false;
  const char* body_encoding = nullptr;  // the handler's content coding; null if it used none
  std::string_view data;                // from the header or the body; empty if there is none

  explicit operator bool() const { return sockets != nullptr; }
};

// Whether the response asks for a hand-off, and whether its body is the data. Neither removes a header.
bool asks_for_handoff(const request_rec* r);
bool has_data_in_body(const request_rec* r);

// Removes all headers of this module from both of the response's tables, whatever becomes of the request, and returns
// what they ask for. PHP-FPM's and CGI's headers are in err_headers_out, those of mod_php and most other modules in
// headers_out.
RequestedHandoff take_handoff_headers(request_rec* r);

// The body of the handler's response, if it is the hand-off's data (X-Handoff-Data-Source: body). It is read before any
// other filter can change it, and kept until the end, up to SocketHandoffMaxDataSize.
//
// In the request's pool, at most one for each request. The data is allocated by realloc() and freed by a cleanup of the
// pool, because a pool could not reuse what the data outgrows.
class HandlerBody {
 public:
  // Call before the first byte is taken: a content coding that is set by now holds for all of the body. Filters after
  // this place set the header too, for a body that they never get.
  static HandlerBody* create(request_rec* r, std::size_t max_bytes);
  // The one that was created for this request; null if there is none.
  static HandlerBody* of(const request_rec* r);

  void append(std::string_view data);
  bool is_too_large() const { return is_too_large_; }  // or memory has run out; the data is dropped then
  std::string_view data() const { return {data_, size_}; }
  const char* encoding() const { return encoding_; }  // null: none

 private:
  HandlerBody(std::size_t max_bytes, const char* encoding) : max_bytes_(max_bytes), encoding_(encoding) {}
  bool make_room(std::size_t bytes);
  static apr_status_t release(void* body);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;  // at least size_, at most max_bytes_
  std::size_t max_bytes_;
  const char* encoding_;
  bool is_too_large_ = false;
};

// Removes the data buckets from a brigade, up to its EOS, and appends them to `body`; drops them if that is null. Reads
// what is still being written (a CGI script's pipe), because closing it early would kill the script. Each bucket is
// deleted before the next one is read, so memory is bounded. Metadata buckets stay. An error is that of the bucket that
// broke off.
apr_status_t take_data(apr_bucket_brigade* brigade, HandlerBody* body);

// Whether a response that asks for a hand-off gets one. If not, all is well, and Apache sends the response itself.
Verdict may_be_handed_off(const request_rec* r, const Settings& settings);

// Whether the socket of a client over HTTP/1.x can leave Apache, and if it carries TLS, its keys too, which are then
// written to `keys`. Call it when the request is read whole and all that was written is flushed.
Verdict can_leave_apache(const request_rec* r, const Settings& settings, WrittenConnectionPart& keys);

// Whether mod_proxy brought the response, or one that it was redirected from. False for a backend by FastCGI, SCGI or
// uwsgi on this host, because these protocols run the host's own applications. True if mod_proxy does not report which
// backend it asked.
bool is_from_proxied_server(const request_rec* r);

}  // namespace socket_handoff
