// SPDX-License-Identifier: Apache-2.0
// Makes an upstream's texts valid Unicode. Pure.
//
// A server that counts in units of UTF-16 cuts a surrogate pair in two: "\ud83d" ends one event's text and "\ude00"
// begins the next. JSON's readers refuse such halves; here each becomes the three bytes that UTF-8 would have for
// such a character (WTF-8). No character of UTF-8 has these bytes, so what they are cannot be mistaken.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  // Mends the next piece of the text of `source`. Keeps a first half at its end, and puts it before the next piece.
  // The piece that comes out is valid until the next call.
  std::string_view next_piece(std::uint64_t source, std::string_view piece);
  // Mends a text that is complete.
  std::string_view whole(std::string_view text);

  // Takes the source of a half that still waits for its other half; false if there is none.
  bool take_waiting(std::uint64_t& source);

  // Whether anything was replaced so far.
  bool has_replaced() const { return state_ != nullptr && state_->has_replaced; }

 private:
  static constexpr std::size_t kMostWaiting = 64;  // over it: replaced

  struct FirstHalf {
    std::uint64_t source;
    std::uint32_t half;
  };

  // Removes it; 0: there is none.
  std::uint32_t take_first_half(std::uint64_t source);
  // Writes `text`, after `first` if that is not 0, to the state. Returns the half at its end, or 0.
  std::uint32_t mend(std::uint32_t first, std::string_view text);
  void append_replacement();

  struct State {
    std::vector<FirstHalf> first_halves;
    std::string mended;
    bool has_replaced = false;
  };

  State& state();

  std::unique_ptr<State> state_;  // null while every text was Unicode, as nearly always
};

}  // namespace streaming
