// Walks over JSON text without building anything from it. Pure; what it is given may be hostile: it never reads past
// the end and never goes deeper than kMaxDepth.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

class JsonScanner {
 public:
  // As deep as streaming-daemon goes.
  static constexpr int kMaxDepth = 64;

  explicit JsonScanner(std::string_view text) : text_(text) {}

  // Blanks, then this character.
  [[nodiscard]] bool take(char character);
  [[nodiscard]] bool skip_value() { return skip_value(0); }

  // A member of an object: its name with the quotes, and its value as written.
  struct Member {
    std::string_view name;
    std::string_view value;
  };
  [[nodiscard]] bool take_member(Member& member);

  // Nothing but blanks is left.
  bool is_at_end();
  std::size_t position() const { return position_; }

 private:
  bool skip_value(int depth);
  bool skip_string();
  bool skip_escape();
  bool skip_number();
  bool skip_digits();
  bool skip_word(std::string_view word);
  bool skip_object(int depth);
  bool skip_array(int depth);
  void skip_blanks();
  bool is_next(char character) const { return position_ < text_.size() && text_[position_] == character; }

  // Not substr(), which could throw and would make the module need libstdc++.so.
  std::string_view between(std::size_t begin, std::size_t end) const { return {text_.data() + begin, end - begin}; }

  std::string_view text_;
  std::size_t position_ = 0;
};

bool is_json_object(std::string_view text);

}  // namespace socket_handoff
