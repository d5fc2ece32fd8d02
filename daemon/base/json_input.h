// SPDX-License-Identifier: Apache-2.0
// Checks that RapidJSON leaves to its caller when it parses a peer's JSON in place, and the limit of its depth. Pure.

#pragma once

#include <cstddef>
#include <string_view>

namespace streaming {

// Depth of JSON that is kept as a document or passed on. Over it: it is refused.
inline constexpr std::size_t kMaxJsonDepth = 64;

// Bytes after the text that the caller must set to NUL: if the text ends inside a UTF-8 character, the reader reads the
// missing bytes beyond the end before it refuses the text.
inline constexpr std::size_t kJsonPadding = 4;

// Whether text from parsed JSON contains half a surrogate pair. The reader refuses a first half without a second one,
// but accepts a single second half (\ude00), which is not UTF-8. `text` is otherwise valid.
inline bool has_lone_surrogate(std::string_view text) {
  for (std::size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) return true;
  }
  return false;
}

}  // namespace streaming
