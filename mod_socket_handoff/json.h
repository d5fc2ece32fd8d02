// SPDX-License-Identifier: Apache-2.0
// JSON text, read and written without a tree and without memory of its own. Pure: knows nothing of httpd.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

// Walks over JSON text and builds nothing from it. Borrows the text, which may be hostile: the scanner never reads past
// its end and never goes deeper than kMaxDepth. What it reports as false is no JSON, or is too deep.
class JsonScanner {
 public:
  static constexpr int kMaxDepth = 64;  // streaming-daemon's limit

  explicit JsonScanner(std::string_view text) : text_(text) {}

  // Skips blanks, then this character.
  [[nodiscard]] bool take(char character);
  [[nodiscard]] bool skip_value() { return skip_value(0); }

  // A member of an object: its name with the quotes, and its value as written.
  struct Member {
    std::string_view name;
    std::string_view value;
  };
  [[nodiscard]] bool take_member(Member& member);

  // Whether nothing but blanks is left.
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
  std::size_t position_ = 0;  // at most the text's size
};

bool is_json_object(std::string_view text);

// Writes JSON text into the caller's memory. A first run without memory counts how much is needed.
class JsonText {
 public:
  JsonText() = default;  // only counts
  JsonText(char* memory, std::size_t capacity) : memory_(memory), capacity_(capacity) {}

  void write(std::string_view text);
  // A string in quotes, and valid JSON in UTF-8 whatever the text is: a byte that is not UTF-8 is read as Latin-1.
  void write_string(std::string_view text);

  std::size_t size() const { return size_; }  // of all that was written, even if the memory was too small for it
  std::string_view text() const { return {memory_, size_ < capacity_ ? size_ : capacity_}; }

 private:
  void put(char character);
  void put_escaped(unsigned char byte);

  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace socket_handoff
