// SPDX-License-Identifier: Apache-2.0
// What fuzz targets share: a property that must hold for every input, and two oracles. Included by targets alone.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

// Stops at the input that breaks it; libFuzzer keeps that input.
#define MUST(condition)                                                            \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

namespace fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
inline bool is_utf8(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto first = static_cast<std::uint8_t>(bytes[at]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length == 0 || first > 0xF4 || at + length > bytes.size()) return false;
    std::uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
    for (std::size_t next = 1; next < length; ++next) {
      const auto byte = static_cast<std::uint8_t>(bytes[at + next]);
      if ((byte & 0xC0) != 0x80) return false;
      code = (code << 6) | (byte & 0x3F);
    }
    if (length == 3 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) return false;
    if (length == 4 && (code < 0x10000 || code > 0x10FFFF)) return false;
    at += length;
  }
  return true;
}

// Nesting outside of strings, of text that is known to be JSON.
inline std::uint32_t depth_of(std::string_view json) {
  std::uint32_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char byte = json[at];
    if (in_string) {
      if (byte == '\\') ++at;
      if (byte == '"') in_string = false;
    } else {
      if (byte == '"') in_string = true;
      if (byte == '{' || byte == '[') deepest = std::max(deepest, ++depth);
      if (byte == '}' || byte == ']') --depth;
    }
  }
  return deepest;
}

// Whether `part` is empty or lies in `whole`, as what was parsed in place must.
inline bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace fuzz
