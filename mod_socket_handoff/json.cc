// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/json.h"

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/hex.h"

namespace socket_handoff {
namespace {

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

// How many bytes the first character of `text` has in UTF-8; 0 if the text does not begin with a character. Overlong
// forms and surrogates are not characters.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return is_continuation(byte(1)) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char least = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char most = first == 0xed ? 0x9f : 0xbf;
    return byte(1) >= least && byte(1) <= most && is_continuation(byte(2)) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char least = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char most = first == 0xf4 ? 0x8f : 0xbf;
    return byte(1) >= least && byte(1) <= most && is_continuation(byte(2)) && is_continuation(byte(3)) ? 4 : 0;
  }
  return 0;
}

}  // namespace

void JsonScanner::skip_blanks() {
  while (is_next(' ') || is_next('\t') || is_next('\n') || is_next('\r')) ++position_;
}

bool JsonScanner::take(char character) {
  skip_blanks();
  if (!is_next(character)) return false;
  ++position_;
  return true;
}

bool JsonScanner::is_at_end() {
  skip_blanks();
  return position_ == text_.size();
}

bool JsonScanner::take_member(Member& member) {
  skip_blanks();
  const std::size_t name = position_;
  if (!skip_string()) return false;
  member.name = between(name, position_);
  if (!take(':')) return false;
  skip_blanks();
  const std::size_t value = position_;
  if (!skip_value(1)) return false;
  member.value = between(value, position_);
  return true;
}

bool JsonScanner::skip_value(int depth) {
  skip_blanks();
  if (position_ == text_.size()) return false;
  switch (text_[position_]) {
    case '{':
      return depth < kMaxDepth && skip_object(depth + 1);
    case '[':
      return depth < kMaxDepth && skip_array(depth + 1);
    case '"':
      return skip_string();
    case 't':
      return skip_word("true");
    case 'f':
      return skip_word("false");
    case 'n':
      return skip_word("null");
    default:
      return skip_number();
  }
}

bool JsonScanner::skip_object(int depth) {
  SH_CHECK(is_next('{') && depth <= kMaxDepth);
  ++position_;
  if (take('}')) return true;
  do {
    skip_blanks();
    if (!skip_string() || !take(':') || !skip_value(depth)) return false;
  } while (take(','));
  return take('}');
}

bool JsonScanner::skip_array(int depth) {
  SH_CHECK(is_next('[') && depth <= kMaxDepth);
  ++position_;
  if (take(']')) return true;
  do {
    if (!skip_value(depth)) return false;
  } while (take(','));
  return take(']');
}

bool JsonScanner::skip_string() {
  if (!is_next('"')) return false;
  for (++position_; position_ < text_.size(); ++position_) {
    const char character = text_[position_];
    if (character == '"') {
      ++position_;
      return true;
    }
    if (static_cast<unsigned char>(character) < 0x20) return false;
    if (character == '\\' && !skip_escape()) return false;
  }
  return false;
}

// From the backslash to the escape's last character.
bool JsonScanner::skip_escape() {
  SH_CHECK(is_next('\\'));
  if (++position_ == text_.size()) return false;
  if (text_[position_] != 'u') return std::string_view("\"\\/bfnrt").find(text_[position_]) != std::string_view::npos;
  for (int digit = 0; digit < 4; ++digit) {
    if (++position_ == text_.size() || hex_digit(text_[position_]) < 0) return false;
  }
  return true;
}

bool JsonScanner::skip_digits() {
  const std::size_t start = position_;
  while (position_ < text_.size() && is_digit(text_[position_])) ++position_;
  return position_ > start;
}

bool JsonScanner::skip_number() {
  if (is_next('-')) ++position_;
  if (is_next('0')) {
    ++position_;
  } else if (!skip_digits()) {
    return false;
  }
  if (is_next('.')) {
    ++position_;
    if (!skip_digits()) return false;
  }
  if (is_next('e') || is_next('E')) {
    ++position_;
    if (is_next('+') || is_next('-')) ++position_;
    if (!skip_digits()) return false;
  }
  return true;
}

bool JsonScanner::skip_word(std::string_view word) {
  if (!between(position_, text_.size()).starts_with(word)) return false;
  position_ += word.size();
  return true;
}

bool is_json_object(std::string_view text) {
  JsonScanner scanner(text);
  if (!scanner.take('{')) return false;
  JsonScanner whole(text);
  return whole.skip_value() && whole.is_at_end();
}

void JsonText::put(char character) {
  if (size_ < capacity_) memory_[size_] = character;
  ++size_;
}

void JsonText::write(std::string_view text) {
  for (const char character : text) put(character);
}

void JsonText::put_escaped(unsigned char byte) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  write("\\u00");
  put(kHexDigits[byte >> 4]);
  put(kHexDigits[byte & 15]);
}

void JsonText::write_string(std::string_view text) {
  put('"');
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_length(text);
    SH_CHECK(length <= text.size());
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      put_escaped(byte);
      text.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') put('\\');
    write({text.data(), length});
    text.remove_prefix(length);
  }
  put('"');
}

}  // namespace socket_handoff
