// SPDX-License-Identifier: Apache-2.0
// What a peer's JSON needs before and after RapidJSON reads it in place, because RapidJSON takes two things for granted;
// and how deep it may be. Pure.

#pragma once

#include <cstddef>
#include <string_view>

namespace streaming {

// Nesting of JSON that is kept as a document or passed on. Over it: it is refused.
inline constexpr std::size_t kMaxJsonDepth = 64;

// Bytes that must stand behind the text, to be set to NUL: text that ends inside a character of UTF-8 makes the reader
// look for its other bytes behind the end, before it refuses it.
inline constexpr std::size_t kJsonPadding = 4;

// Whether text that came out of JSON holds half a surrogate pair: the reader refuses a first half without its second,
// but takes a second half alone (\ude00), which is no UTF-8. `text` is otherwise valid.
inline bool has_lone_surrogate(std::string_view text) {
  for (std::size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) return true;
  }
  return false;
}

}  // namespace streaming
