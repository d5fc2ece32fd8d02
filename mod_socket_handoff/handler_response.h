// What a handler's response asks for, and whether it gets it: its headers, its body where that is the data, who wrote it, and
// whether the request may be handed off.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <string_view>

#include "mod_socket_handoff/settings.h"

namespace socket_handoff {

// The response headers by which a handler asks for a hand-off. They are for this module alone: whatever becomes of the
// request, they are taken out of the response.
struct RequestedHandoff {
  char* sockets = nullptr;  // a list as written, in the request's pool; null where none was asked for
  bool data_is_body = false;
  bool is_body_too_large = false;       // known at the response's end
  const char* body_encoding = nullptr;  // likewise; null where the handler has not encoded it
  std::string_view data;                // likewise; empty where there is none, or it is the body

  explicit operator bool() const { return sockets != nullptr; }
};

// Whether the response asks for a hand-off, and whether its data is the body; without taking anything.
bool asks_for_handoff(const request_rec* r);
bool has_data_in_body(const request_rec* r);

// How the response's body is encoded so far; null where it is not.
const char* content_encoding(const request_rec* r);

// Takes the headers out of both of the response's tables: PHP-FPM's and CGI's are in err_headers_out, those of mod_php
// and of most other modules in headers_out.
RequestedHandoff take_handoff_headers(request_rec* r);

// The response's body, where that is the hand-off's data (X-Handoff-Data-Source: body): read from the handler before
// any other filter can change it, and kept in bounded memory until the end.
// Lives as long as its request; its memory is the C library's, as a pool could not give back what it outgrows.
class ResponseBody {
 public:
  // Before the first byte is taken: what has encoded the body by now has encoded all of it. Filters behind this place
  // set the header too, of a body that they never get.
  static ResponseBody* create(request_rec* r, std::size_t max_bytes);
  // The one that was created for this request; null where there is none.
  static ResponseBody* of(const request_rec* r);

  void append(std::string_view data);
  bool is_too_large() const { return is_too_large_; }  // or there is no memory; what came is forgotten
  std::string_view data() const { return {data_, size_}; }
  const char* encoding() const { return encoding_; }  // null where it has none

 private:
  ResponseBody(std::size_t max_bytes, const char* encoding) : max_bytes_(max_bytes), encoding_(encoding) {}
  bool make_room(std::size_t bytes);
  static apr_status_t release(void* body);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t max_bytes_;
  const char* encoding_;
  bool is_too_large_ = false;
};

// Takes the data out of a brigade, up to its end, and keeps it in `body`, or nowhere where that is null. What is still
// being written (a CGI script's pipe) is read: to close that early would kill the script. Memory is bounded, as each
// piece goes before the next one is read. Buckets without data stay.
apr_status_t take_data(apr_bucket_brigade* brigade, ResponseBody* body);

// Whether a response that asks for a hand-off gets one. Two kinds of no: Apache is to answer itself and all is well
// (a HEAD or OPTIONS request, an error), or the connection cannot be handed off and the request fails with the reason
// in the log.
// Why Apache answers this request itself; null where it does not.
const char* reason_to_answer_here(const request_rec* r, const Settings& settings);

// Why the client's socket must not leave Apache; null where it may. The descriptor of a TLS connection carries
// ciphertext, that of an HTTP/2 connection many requests: neither is ever handed to a daemon.
const char* obstacle_to_handoff(const request_rec* r);

// Who has written a response: an application of this host, or another server that Apache is a proxy for.
// True where mod_proxy brought the response, or one that it was redirected from, unless the backend is FastCGI, SCGI or
// uwsgi on this host: these protocols run the host's own applications. True also where mod_proxy does not say whom it
// asked.
bool is_from_proxied_server(const request_rec* r);

}  // namespace socket_handoff
