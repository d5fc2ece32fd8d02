// SPDX-License-Identifier: Apache-2.0
// What an upstream's texts need so that they are Unicode. Pure.
//
// A server that counts in units of UTF-16 cuts a surrogate pair in two: "\ud83d" ends one event's text and "\ude00"
// begins the next. JSON's readers refuse such halves; here each becomes three bytes, as UTF-8 would write it if it were a
// character (WTF-8). No character of UTF-8 has these bytes, so what they are cannot be mistaken.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace streaming {

// Writes the escape of each half that has not its other half beside it as those three bytes.
void unescape_surrogate_halves(std::string& json);

// Without the half of a pair that `text` may end with, which comes with what follows.
std::string_view without_last_half(std::string_view text);

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Joins the halves again. What is no Unicode nevertheless, bytes that are not UTF-8 among it, becomes U+FFFD, as
// browsers and the vendors' libraries have it: an answer is not lost for one character. One per answer.
class TextMender {
 public:
  // Of the next piece of what `source` says: keeps a first half at its end, to be put before the piece that follows.
  // The piece that comes out is valid until the next call.
  std::string_view next_piece(std::uint64_t source, std::string_view piece);
  // Likewise, of a text that no piece follows.
  std::string_view whole(std::string_view text);

  // Takes the source of a half that waits in vain; nothing when there is none.
  bool take_waiting(std::uint64_t& source);

  // Whether anything was replaced so far.
  bool has_replaced() const { return has_replaced_; }

 private:
  static constexpr std::size_t kMostWaiting = 64;  // over it: replaced

  struct FirstHalf {
    std::uint64_t source;
    std::uint32_t half;
  };

  // Removes it; 0: there is none.
  std::uint32_t take_first_half(std::uint64_t source);
  // Writes `text` behind `first`, where that is not 0, as mended_. Returns the half at its end, or 0.
  std::uint32_t mend(std::uint32_t first, std::string_view text);
  void append_replacement();

  std::vector<FirstHalf> first_halves_;  // nearly always empty
  std::string mended_;
  bool has_replaced_ = false;
};

}  // namespace streaming
