// Writes JSON text into memory of the caller's. Run once without memory, it says how much is needed. Pure.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

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
