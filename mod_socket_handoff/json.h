// JSON text, read and written without a tree and without memory of its own. Pure: knows nothing of httpd.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

// Walks over JSON text without building anything from it. Pure; what it is given may be hostile: it never reads past
// the end and never goes deeper than kMaxDepth.
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

// Writes JSON text into memory of the caller's. Run once without memory, it says how much is needed. Pure.
class JsonText {
 public:
  JsonText() = default;  // only counts
  JsonText(char* memory, std::size_t capacity) : memory_(memory), capacity_(capacity) {}

  void write(std::string_view text);
  // A string in quotes, as valid JSON in UTF-8 whatever the text is: a byte that is no UTF-8 is taken to be Latin-1.
  void write_string(std::string_view text);

  std::size_t size() const { return size_; }
  std::string_view text() const { return {memory_, size_ < capacity_ ? size_ : capacity_}; }

 private:
  void put(char character);
  void put_escaped(unsigned char byte);

  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace socket_handoff
