// SPDX-License-Identifier: Apache-2.0
// What precedes the first event: the head of a streamed answer. Or, instead of a stream, a small complete answer. Pure.

#pragma once

#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/header_field.h"
#include "sse/client_error.h"

namespace streaming {

struct StreamHead {
  std::string_view date;             // from HttpDate
  bool chunked = false;              // false: only the connection's end ends the stream
  std::span<const HeaderField> own;  // the daemon's
  // Apache's and the payload's. A header that could break the head or change the stream's framing is left out. From
  // Cache-Control only `no-store` and `private`, which restrict caches, are added to the daemon's own.
  std::span<const HeaderField> others;
};

// HTTP/1.1 200 OK and an event stream. An empty comment follows, because some proxies pass the head on only together
// with the body's first bytes.
void append_stream_head(Buffer& out, const StreamHead& head);

// An answer that the daemon gives instead of a stream. Its Retry-After is the error's, if that is known.
struct HttpError {
  int status = 500;
  ClientError error;
};

// HTTP/1.1 STATUS, and {"error":"MESSAGE","code":"CODE","retry_after":SECONDS} as its body; a 204 has none.
void append_error_response(Buffer& out, const HttpError& answer, std::string_view date);

}  // namespace streaming
