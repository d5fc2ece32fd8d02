// SPDX-License-Identifier: Apache-2.0
// Checks UTF-8, finds invalid bytes, and cuts text between characters. Pure.

#pragma once

#include <cstddef>
#include <string_view>

namespace streaming {

// Overlong forms, surrogates and code points beyond Unicode are invalid.
bool is_utf8(std::string_view text);

// A character, or the invalid bytes that browsers replace by one U+FFFD.
struct Utf8Unit {
  std::size_t bytes;
  bool valid;
};

// The unit that begins at `at`, a position in `text`.
Utf8Unit utf8_unit_at(std::string_view text, std::size_t at);

// The beginning of UTF-8 text: at most `most_bytes`, without a partial character.
std::string_view utf8_prefix(std::string_view text, std::size_t most_bytes);

}  // namespace streaming
