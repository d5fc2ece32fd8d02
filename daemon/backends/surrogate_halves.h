// Surrogate pairs that a server has cut in two, as "\ud83d" at the end of one event's text and "\ude00" at the
// beginning of the next. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace streaming {

// JSON's readers refuse half a pair, so each escape of one that has not its other half beside it becomes a mark of the
// same length: a noncharacter, which no text has, and the half as a private character.
void mark_surrogate_halves(std::string& json);

bool has_surrogate_mark(std::string_view text);

// Puts marked halves together again. One per answer.
class SurrogateJoiner {
 public:
  // Of the next piece of what `source` says: takes a half from its end, to be put before the piece that follows. The
  // piece that comes out is valid until the next call. False where a half stands alone, or too many wait.
  bool join(std::uint64_t source, std::string_view& piece);

 private:
  static constexpr std::size_t kMostWaiting = 64;

  struct FirstHalf {
    std::uint64_t source;
    std::uint32_t half;
  };

  // Removes it; 0: there is none.
  std::uint32_t take_first_half(std::uint64_t source);

  std::vector<FirstHalf> first_halves_;  // nearly always empty
  std::string joined_;
};

}  // namespace streaming
