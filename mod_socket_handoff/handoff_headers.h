// The response headers by which a handler asks for a hand-off. They are for this module alone: whatever becomes of the
// request, they are taken out of the response.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include <string_view>

namespace socket_handoff {

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

}  // namespace socket_handoff
