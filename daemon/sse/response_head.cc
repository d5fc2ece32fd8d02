#include "sse/response_head.h"

#include <charconv>

#include "sse/json_text.h"

namespace streaming {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Error";
  }
}

void append_number(Buffer& out, std::size_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

}  // namespace

void append_stream_head(Buffer& out) {
  out.append(
      "HTTP/1.1 200 OK\r\n"
      "Content-Type: text/event-stream\r\n"
      "Cache-Control: no-cache\r\n"
      "Connection: close\r\n"
      "X-Accel-Buffering: no\r\n"
      "\r\n"
      ":\n\n");
}

void append_error_response(Buffer& out, const HttpError& error) {
  Buffer body;
  body.append("{\"error\":\"");
  append_json_text(body, error.message);
  body.append("\"}\n");

  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(error.status));
  out.append(' ');
  out.append(reason_phrase(error.status));
  out.append(
      "\r\nContent-Type: application/json\r\n"
      "Cache-Control: no-store\r\n"
      "Connection: close\r\n");
  if (error.retry_after_seconds > 0) {
    out.append("Retry-After: ");
    append_number(out, static_cast<std::size_t>(error.retry_after_seconds));
    out.append("\r\n");
  }
  out.append("Content-Length: ");
  append_number(out, body.size());
  out.append("\r\n\r\n");
  out.append(body.view());
}

}  // namespace streaming
