#include "mod_socket_handoff/json_scanner.h"

namespace socket_handoff {
namespace {

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_hex_digit(char character) {
  const char lower = static_cast<char>(character | 0x20);
  return is_digit(character) || (lower >= 'a' && lower <= 'f');
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
  ++position_;
  if (take('}')) return true;
  do {
    skip_blanks();
    if (!skip_string() || !take(':') || !skip_value(depth)) return false;
  } while (take(','));
  return take('}');
}

bool JsonScanner::skip_array(int depth) {
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
  if (++position_ == text_.size()) return false;
  if (text_[position_] != 'u') return std::string_view("\"\\/bfnrt").find(text_[position_]) != std::string_view::npos;
  for (int digit = 0; digit < 4; ++digit) {
    if (++position_ == text_.size() || !is_hex_digit(text_[position_])) return false;
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

}  // namespace socket_handoff
