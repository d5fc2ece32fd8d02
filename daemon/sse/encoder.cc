#include "sse/encoder.h"

#include "sse/json_text.h"

namespace streaming {
namespace {

void append_event(Buffer& out, std::string_view opening, std::string_view text) {
  out.append(opening);
  append_json_text(out, text);
  out.append("\"}\n\n");
}

}  // namespace

void append_content_event(Buffer& out, std::string_view text) {
  append_event(out, "data: {\"content\":\"", text);
}

void append_error_event(Buffer& out, std::string_view message) {
  append_event(out, "data: {\"error\":\"", message);
}

void append_heartbeat(Buffer& out) {
  out.append(": ping\n\n");
}

void append_done_event(Buffer& out) {
  out.append("data: [DONE]\n\n");
}

}  // namespace streaming
