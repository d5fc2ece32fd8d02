// SPDX-License-Identifier: Apache-2.0
#include "backends/local/typing_rhythm.h"

#include <algorithm>
#include <array>

namespace streaming {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
};

// The first of `text`, which is not empty; what is no UTF-8 is taken byte by byte.
CodePoint first_code_point(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  std::size_t bytes = 1;
  char32_t value = lead;
  if (lead >= 0xF0) {
    bytes = 4;
    value = lead & 0x07;
  } else if (lead >= 0xE0) {
    bytes = 3;
    value = lead & 0x0F;
  } else if (lead >= 0xC0) {
    bytes = 2;
    value = lead & 0x1F;
  }
  if (bytes > text.size()) return {lead, 1};
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return {lead, 1};
    value = value << 6 | (byte(at) & 0x3F);
  }
  return {value, bytes};
}

constexpr char32_t kJoiner = 0x200D;

struct Range {
  char32_t first, last;
};

// What belongs to the character before: combining marks of the scripts that Latin, Greek and Cyrillic use, variation
// selectors, skin tones, tags.
constexpr std::array<Range, 9> kExtending{{{0x0300, 0x036F},
                                           {0x0483, 0x0489},
                                           {0x1AB0, 0x1AFF},
                                           {0x1DC0, 0x1DFF},
                                           {0x20D0, 0x20FF},
                                           {0xFE00, 0xFE0F},
                                           {0xFE20, 0xFE2F},
                                           {0x1F3FB, 0x1F3FF},
                                           {0xE0020, 0xE007F}}};

bool extends(char32_t value) {
  return value == kJoiner || std::any_of(kExtending.begin(), kExtending.end(), [value](const Range& range) {
           return range.first <= value && value <= range.last;
         });
}

bool is_flag_letter(char32_t value) {
  return value >= 0x1F1E6 && value <= 0x1F1FF;
}

bool is_blank(std::string_view character) {
  return character == " " || character == "\n" || character == "\r\n" || character == "\t";
}

// In means.
int weight(std::string_view character, std::string_view next) {
  if (character == "\n" || character == "\r\n") return 8;
  const bool word_ends = next.empty() || is_blank(next.substr(0, 1)) || next.starts_with("\r\n");
  if (!word_ends) return 1;  // the point in 3.14
  if (character == "." || character == "!" || character == "?" || character == "\xE2\x80\xA6") return 10;
  if (character == "," || character == ";" || character == ":" || character == "\xE2\x80\x94") return 5;
  return is_blank(character) ? 2 : 1;
}

}  // namespace

std::size_t first_character_bytes(std::string_view text) {
  if (text.empty()) return 0;
  if (text.starts_with("\r\n")) return 2;
  CodePoint last = first_code_point(text);
  std::size_t bytes = last.bytes;
  bool half_flag = is_flag_letter(last.value);
  while (bytes < text.size()) {
    const CodePoint next = first_code_point(text.substr(bytes));
    const bool second_half = half_flag && is_flag_letter(next.value);
    if (!second_half && last.value != kJoiner && !extends(next.value)) break;
    half_flag = false;
    bytes += next.bytes;
    last = next;
  }
  return bytes;
}

Duration TypingRhythm::pause_after(std::string_view character, std::string_view next) {
  const std::int64_t pause = mean_.count() * weight(character, next);
  // From a half to one and a half.
  return Duration(std::uniform_int_distribution<std::int64_t>(pause / 2, pause + pause / 2)(random_));
}

}  // namespace streaming
