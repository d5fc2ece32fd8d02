// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace streaming {
namespace {

// The number of bytes of a character that begins with `lead`, and the range of its second byte, by table 3-7 of the
// Unicode standard.
struct Form {
  std::size_t bytes;
  unsigned char least, most;
};

Form form_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  return lead == 0xF4 ? Form{4, 0x80, 0x8F} : Form{0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Unit unit = utf8_unit_at(text, at);
    if (!unit.valid) return false;
    at += unit.bytes;
  }
  return true;
}

Utf8Unit utf8_unit_at(std::string_view text, std::size_t at) {
  const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const Form form = form_of(byte(at));
  if (form.bytes == 0) return {1, false};
  std::size_t bytes = 1;
  for (; bytes < form.bytes; ++bytes) {
    if (at + bytes == text.size()) return {bytes, false};
    const unsigned char least = bytes == 1 ? form.least : 0x80;
    const unsigned char most = bytes == 1 ? form.most : 0xBF;
    if (byte(at + bytes) < least || byte(at + bytes) > most) return {bytes, false};
  }
  return {bytes, true};
}

std::string_view utf8_prefix(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace streaming
