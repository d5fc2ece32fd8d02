// SPDX-License-Identifier: Apache-2.0
// How a human types: what is one character, and how long it takes until the next one. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

#include "base/clock.h"

namespace streaming {

// The bytes of the first character of `text`, as a reader sees it: with its accents, an emoji with what is joined to
// it, a flag's two letters, CR with LF. A stray byte is a character. 0 for an empty text.
std::size_t first_character_bytes(std::string_view text);

class TypingRhythm {
 public:
  // `mean` is the pause between two letters of a word; the same seed makes the same rhythm.
  TypingRhythm(Duration mean, std::uint32_t seed) : mean_(mean), random_(seed) {}

  // The time to the next character; `next` is the text that follows.
  Duration pause_after(std::string_view character, std::string_view next);

 private:
  Duration mean_;
  std::minstd_rand random_;
};

}  // namespace streaming
