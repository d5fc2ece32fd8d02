// SPDX-License-Identifier: Apache-2.0
#include "sse/json_text.h"

#include <array>
#include <cstdint>

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
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (kEscapes[byte] == 0) continue;
    out.append(text.substr(copied, at - copied));
    append_escape(out, byte);
    copied = at + 1;
  }
  out.append(text.substr(copied));
}

}  // namespace streaming
