#include "mod_socket_handoff/json_text.h"

namespace socket_handoff {
namespace {

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

// How many bytes the character at the beginning of `text` has in UTF-8; 0 where there is none. Neither overlong forms
// nor surrogates are characters.
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
