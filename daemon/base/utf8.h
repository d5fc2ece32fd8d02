// SPDX-License-Identifier: Apache-2.0
// Whether text is UTF-8, and where it is not; and text cut between characters. Pure.

#pragma once

#include <cstddef>
#include <string_view>

namespace streaming {

// Without overlong forms, surrogates, and what is beyond Unicode.
bool is_utf8(std::string_view text);

// A character, or the bytes in its place that are none: those that browsers replace by one U+FFFD.
struct Utf8Unit {
  std::size_t bytes;
  bool valid;
};

// The one that begins at `at`, which is in `text`.
Utf8Unit utf8_unit_at(std::string_view text, std::size_t at);

// The beginning of UTF-8 text: at most so many bytes, and no part of a character.
std::string_view utf8_prefix(std::string_view text, std::size_t most_bytes);

}  // namespace streaming
