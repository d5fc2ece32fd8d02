// SPDX-License-Identifier: Apache-2.0
#include "sse/json_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace streaming {
namespace {

// 0: unchanged; 'u': \u00XX; otherwise the letter after the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (int byte = 0; byte < 0x20; ++byte) escapes[byte] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}

constexpr std::array<char, 256> kEscapes = make_escapes();

// How many bytes are looked at together, because few are escaped.
constexpr std::size_t kTogether = sizeof(std::uint64_t);

constexpr std::uint64_t each(std::uint8_t byte) {
  return byte * (~std::uint64_t{0} / 0xff);
}

// Whether a byte of the word is below `limit`, which is at most 0x80.
constexpr bool has_below(std::uint64_t word, std::uint8_t limit) {
  return ((word - each(limit)) & ~word & each(0x80)) != 0;
}

bool any_is_escaped(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, kTogether);
  return has_below(word, 0x20) || has_below(word ^ each('"'), 1) || has_below(word ^ each('\\'), 1);
}

void append_escape(Buffer& out, std::uint8_t byte) {
  const char escape = kEscapes[byte];
  out.append('\\');
  out.append(escape);
  if (escape != 'u') return;
  constexpr char kHex[] = "0123456789abcdef";
  out.append("00");
  out.append(kHex[byte >> 4]);
  out.append(kHex[byte & 0xf]);
}

}  // namespace

void append_json_text(Buffer& out, std::string_view text) {
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text.size() - at >= kTogether && !any_is_escaped(text.data() + at)) {
      at += kTogether;
      continue;
    }
    for (const std::size_t end = std::min(at + kTogether, text.size()); at < end; ++at) {
      const auto byte = static_cast<std::uint8_t>(text[at]);
      if (kEscapes[byte] == 0) continue;
      out.append(text.substr(copied, at - copied));
      append_escape(out, byte);
      copied = at + 1;
    }
  }
  out.append(text.substr(copied));
}

}  // namespace streaming
