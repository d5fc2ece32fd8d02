#include "sse/response_head.h"

#include <algorithm>
#include <array>
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

// What says where the answer ends, how it is encoded, and that nobody may keep or hold it: the daemon's own word.
constexpr std::array<std::string_view, 11> kOwnHeaders{
    "Cache-Control", "Connection", "Content-Encoding",  "Content-Length",   "Content-Type", "Keep-Alive", "TE",
    "Trailer",       "Upgrade",    "Transfer-Encoding", "X-Accel-Buffering"};

bool may_stand_in_head(const HeaderField& header) {
  return is_header_name(header.name) && is_header_value(header.value) &&
         std::none_of(kOwnHeaders.begin(), kOwnHeaders.end(),
                      [&](std::string_view own) { return same_header_name(own, header.name); });
}

void append_header(Buffer& out, const HeaderField& header) {
  out.append(header.name);
  out.append(": ");
  out.append(header.value);
  out.append("\r\n");
}

}  // namespace

void append_stream_head(Buffer& out, std::span<const HeaderField> own, std::span<const HeaderField> headers) {
  out.append(
      "HTTP/1.1 200 OK\r\n"
      "Content-Type: text/event-stream\r\n"
      "Cache-Control: no-cache\r\n"
      "Connection: close\r\n"
      "X-Accel-Buffering: no\r\n");
  for (const HeaderField& header : own) append_header(out, header);
  for (const HeaderField& header : headers) {
    if (may_stand_in_head(header)) append_header(out, header);
  }
  out.append("\r\n:\n\n");
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
