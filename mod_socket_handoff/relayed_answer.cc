// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/relayed_answer.h"

#include <strings.h>

#include <algorithm>
#include <cstring>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/hex.h"

namespace socket_handoff {
namespace {

bool is_token(std::string_view text) {
  for (const char character : text) {
    const char lower = static_cast<char>(character | 0x20);
    const bool is_alphanumeric = (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9');
    if (!is_alphanumeric && (character == '\0' || !std::strchr("!#$%&'*+-.^_`|~", character))) return false;
  }
  return !text.empty();
}

bool is_value(std::string_view text) {
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_same_name(std::string_view name, std::string_view other) {
  return name.size() == other.size() && ::strncasecmp(name.data(), other.data(), name.size()) == 0;
}

// Fields of the connection, which Apache writes itself; and the length, because the body is passed on as it comes.
bool is_hop_by_hop(std::string_view name) {
  for (const char* own : {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Content-Length",
                          "Transfer-Encoding", "Date", "Server"}) {
    if (is_same_name(name, own)) return true;
  }
  return false;
}

bool split(std::string_view line, RelayedHead::Field& field) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  field.name = {line.data(), colon};
  line.remove_prefix(colon + 1);
  field.value = trim(line);
  return is_token(field.name) && is_value(field.value);
}

// Up to and including the empty line; 0 if that has not come yet.
std::size_t head_size(std::string_view received) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < received.size(); ++i) {
    if (received[i] != '\n') continue;
    const std::size_t length = i - line;
    if (line > 0 && (length == 0 || (length == 1 && received[line] == '\r'))) return i + 1;
    line = i + 1;
  }
  return 0;
}

}  // namespace

RelayedHead::RelayedHead(std::string_view received) {
  size_ = head_size(received);
  if (size_ == 0) {
    if (received.size() >= kMaxRelayedHeadBytes) state_ = State::kInvalid;
    return;
  }
  rest_ = {received.data(), size_};
  state_ = State::kInvalid;
  if (size_ > kMaxRelayedHeadBytes || !read_status(next_line())) return;
  const std::string_view fields = rest_;
  for (std::string_view line = next_line(); !line.empty(); line = next_line()) {
    Field field;
    if (!split(line, field) || !read_framing(field)) return;
  }
  SH_CHECK(size_ <= received.size() && status_ >= 200 && status_ <= 599);
  rest_ = fields;
  state_ = State::kComplete;
}

std::string_view RelayedHead::next_line() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string_view::npos) return {};
  std::string_view line(rest_.data(), end);
  rest_.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool RelayedHead::read_status(std::string_view line) {
  if (!line.starts_with("HTTP/1.0 ") && !line.starts_with("HTTP/1.1 ")) return false;
  line.remove_prefix(9);
  if (line.size() < 3 || (line.size() > 3 && line[3] != ' ')) return false;
  for (int i = 0; i < 3; ++i) {
    if (line[i] < '0' || line[i] > '9') return false;
    status_ = status_ * 10 + (line[i] - '0');
  }
  return status_ >= 200 && status_ <= 599;
}

// False if the body has an encoding that is not supported.
bool RelayedHead::read_framing(const Field& field) {
  if (!is_same_name(field.name, "Transfer-Encoding")) return true;
  if (is_chunked_ || !is_same_name(field.value, "chunked")) return false;
  is_chunked_ = true;
  return true;
}

bool RelayedHead::next_field(Field& field) {
  for (std::string_view line = next_line(); !line.empty(); line = next_line()) {
    if (split(line, field) && !is_hop_by_hop(field.name)) return true;
  }
  return false;
}

ChunkedBody::State ChunkedBody::state() const {
  if (expects_ == Expects::kInvalid) return State::kInvalid;
  return expects_ == Expects::kNothing ? State::kComplete : State::kIncomplete;
}

std::size_t ChunkedBody::decode(char* text, std::size_t size) {
  std::size_t decoded = 0;
  for (std::size_t i = 0; i < size && expects_ != Expects::kInvalid;) {
    if (expects_ != Expects::kData) {
      expects_ = after_framing(text[i++]);
      continue;
    }
    SH_CHECK(left_ > 0 && decoded <= i);
    const std::size_t length = static_cast<std::size_t>(std::min<unsigned long long>(left_, size - i));
    std::memmove(text + decoded, text + i, length);
    decoded += length;
    i += length;
    left_ -= length;
    if (left_ == 0) expects_ = Expects::kDataCr;
  }
  SH_CHECK(decoded <= size);
  return decoded;
}

ChunkedBody::Expects ChunkedBody::after_framing(char character) {
  switch (expects_) {
    case Expects::kSize:
      return after_size(character);
    case Expects::kSizeEnd:
      digits_ = 0;
      if (character != '\n') return Expects::kInvalid;
      return left_ > 0 ? Expects::kData : Expects::kTrailerCr;
    case Expects::kDataCr:
      return character == '\r' ? Expects::kDataEnd : Expects::kInvalid;
    case Expects::kDataEnd:
      return character == '\n' ? Expects::kSize : Expects::kInvalid;
    case Expects::kTrailerCr:
      return character == '\r' ? Expects::kTrailerEnd : Expects::kInvalid;
    case Expects::kTrailerEnd:
      return character == '\n' ? Expects::kNothing : Expects::kInvalid;
    case Expects::kData:
    case Expects::kNothing:
    case Expects::kInvalid:
      break;
  }
  return Expects::kInvalid;
}

ChunkedBody::Expects ChunkedBody::after_size(char character) {
  if (character == '\r') return digits_ > 0 ? Expects::kSizeEnd : Expects::kInvalid;
  const int digit = hex_digit(character);
  if (digit < 0 || digits_ == kMaxSizeDigits) return Expects::kInvalid;
  ++digits_;
  left_ = 16 * left_ + static_cast<unsigned>(digit);
  return Expects::kSize;
}

}  // namespace socket_handoff
