// What stands before the first event: the head of a streamed answer, or a whole small answer instead of a stream. Pure.

#pragma once

#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/header_field.h"

namespace streaming {

// HTTP/1.1 200 OK, an event stream that ends with the connection, the daemon's `own` headers, and what of `headers` may
// stand in it: those that could break the head, or frame the stream in another way, are left out. An empty comment
// follows, as some proxies pass the head on only together with the body's first bytes.
void append_stream_head(Buffer& out, std::span<const HeaderField> own, std::span<const HeaderField> headers);

// An answer that the daemon gives in place of a stream.
struct HttpError {
  int status = 500;
  std::string_view message;     // for the client: no internals
  int retry_after_seconds = 0;  // 0: no Retry-After
};

// HTTP/1.1 STATUS, and {"error":"MESSAGE"} as its body.
void append_error_response(Buffer& out, const HttpError& error);

}  // namespace streaming
