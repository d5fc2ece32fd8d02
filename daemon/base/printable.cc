// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace streaming {
namespace {

bool is_plain_ascii(char byte) {
  return byte >= ' ' && byte != '\x7f';
}

void append_escaped(std::string& out, std::uint32_t character) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[character >> shift & 0xf];
}

std::size_t length_of(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// The code point of a valid UTF-8 sequence of at most three bytes.
std::uint32_t decode(std::string_view sequence) {
  const auto bits = [&](std::size_t index) { return static_cast<std::uint32_t>(sequence[index]) & 0x3f; };
  const auto first = static_cast<std::uint32_t>(static_cast<unsigned char>(sequence[0]));
  if (sequence.size() == 1) return first;
  if (sequence.size() == 2) return (first & 0x1f) << 6 | bits(1);
  return (first & 0x0f) << 12 | bits(1) << 6 | bits(2);
}

bool misleads(std::uint32_t character) {
  const auto in = [character](std::uint32_t from, std::uint32_t to) { return character >= from && character <= to; };
  return character < ' ' || in(0x7f, 0x9f) || character == 0x061c || in(0x200e, 0x200f) || in(0x2028, 0x202e) ||
         in(0x2066, 0x2069);
}

}  // namespace

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end_of_plain = std::find_if_not(text.begin(), text.end(), is_plain_ascii);
    const auto plain = static_cast<std::size_t>(end_of_plain - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const std::string_view sequence = text.substr(0, length_of(static_cast<unsigned char>(text[0])));
    if (!is_utf8(sequence)) {
      append_escaped(out, 0xfffd);
      text.remove_prefix(1);
      continue;
    }
    if (sequence.size() <= 3 && misleads(decode(sequence))) {
      append_escaped(out, decode(sequence));
    } else {
      out.append(sequence);
    }
    text.remove_prefix(sequence.size());
  }
}

std::string printable_name(std::string_view name) {
  constexpr std::size_t kMaxBytes = 100;
  std::size_t end = std::min(name.size(), kMaxBytes);
  while (end > 0 && end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  std::string shown;
  append_printable(shown, name.substr(0, end));
  return end < name.size() ? shown + "..." : shown;
}

}  // namespace streaming
