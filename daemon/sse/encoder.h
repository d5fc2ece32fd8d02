// The frames that the daemon writes to a client in format `content`, each with its blank line. Pure.

#pragma once

#include <string_view>

#include "base/buffer.h"

namespace streaming {

// data: {"content":"TEXT"}
void append_content_event(Buffer& out, std::string_view text);

// data: {"error":"MESSAGE"}    the stream ends after it, without a [DONE]
void append_error_event(Buffer& out, std::string_view message);

// : ping    a comment, which clients ignore
void append_heartbeat(Buffer& out);

// data: [DONE]
void append_done_event(Buffer& out);

}  // namespace streaming
