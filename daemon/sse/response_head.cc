// SPDX-License-Identifier: Apache-2.0
#include "sse/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>


namespace streaming {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
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

// The daemon alone decides how the answer is encoded, where it ends, and that it is neither cached nor buffered.
constexpr std::array<std::string_view, 11> kOwnHeaders{
    "Cache-Control", "Connection", "Content-Encoding",  "Content-Length",   "Content-Type", "Keep-Alive", "TE",
    "Trailer",       "Upgrade",    "Transfer-Encoding", "X-Accel-Buffering"};

bool may_stand_in_head(const HeaderField& header) {
  return is_header_name(header.name) && is_header_value(header.value) &&
         std::none_of(kOwnHeaders.begin(), kOwnHeaders.end(),
                      [&](std::string_view own) { return same_header_name(own, header.name); });
}

// Whether a Cache-Control of `headers` has the directive, with or without an argument.
bool has_cache_directive(std::span<const HeaderField> headers, std::string_view directive) {
  return std::any_of(headers.begin(), headers.end(), [directive](const HeaderField& header) {
    if (!same_header_name(header.name, "Cache-Control")) return false;
    for (std::string_view rest = header.value; !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      std::string_view word = rest.substr(0, std::min(end, rest.find('=')));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      word.remove_prefix(std::min(word.find_first_not_of(" \t"), word.size()));
      word = word.substr(0, word.find_last_not_of(" \t") + 1);
      if (same_header_name(word, directive)) return true;
    }
    return false;
  });
}

void append_header(Buffer& out, const HeaderField& header) {
  out.append(header.name);
  out.append(": ");
  out.append(header.value);
  out.append("\r\n");
}

}  // namespace

void append_stream_head(Buffer& out, const StreamHead& head) {
  out.append("HTTP/1.1 200 OK\r\nDate: ");
  out.append(head.date);
  out.append(
      "\r\nContent-Type: text/event-stream\r\n"
      "Cache-Control: no-cache, no-transform");
  if (has_cache_directive(head.others, "no-store")) out.append(", no-store");
  if (has_cache_directive(head.others, "private")) out.append(", private");
  out.append(
      "\r\nConnection: close\r\n"
      "X-Accel-Buffering: no\r\n");
  if (head.chunked) out.append("Transfer-Encoding: chunked\r\n");
  for (const HeaderField& header : head.own) append_header(out, header);
  for (const HeaderField& header : head.others) {
    if (may_stand_in_head(header)) append_header(out, header);
  }
  out.append("\r\n:\n\n");
}

void append_error_response(Buffer& out, const HttpError& answer, std::string_view date) {
  constexpr int kNoContent = 204;
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(answer.status));
  out.append(' ');
  out.append(reason_phrase(answer.status));
  out.append("\r\nDate: ");
  out.append(date);
  if (answer.status != kNoContent) out.append("\r\nContent-Type: application/json");
  out.append(
      "\r\nCache-Control: no-store\r\n"
      "Connection: close\r\n");
  if (answer.status == kNoContent) return out.append("\r\n");
  if (answer.error.retry_after_seconds > 0) {
    out.append("Retry-After: ");
    append_number(out, static_cast<std::size_t>(answer.error.retry_after_seconds));
    out.append("\r\n");
  }
  Buffer body;
  body.append('{');
  append_members(body, "error", answer.error);
  body.append("}\n");
  out.append("Content-Length: ");
  append_number(out, body.size());
  out.append("\r\n\r\n");
  out.append(body.view());
}

}  // namespace streaming
