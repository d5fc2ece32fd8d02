// A short list of words of the configuration, in the order in which they stand there. Pure; a value without memory of
// its own: the words are in httpd's configuration pool.

#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace socket_handoff {

template <std::size_t kMaxWords>
class WordList {
 public:
  constexpr WordList() = default;
  template <class... Words>
  explicit constexpr WordList(const char* first, Words... more) : words_{first, more...}, size_(1 + sizeof...(more)) {
    static_assert(1 + sizeof...(more) <= kMaxWords);
  }

  // False where the list is full.
  [[nodiscard]] bool add(const char* word) {
    if (size_ >= kMaxWords) return false;
    words_[size_++] = word;
    return true;
  }

  constexpr std::span<const char* const> span() const { return {words_, size_}; }

  friend bool operator==(const WordList& one, const WordList& other) {
    if (one.size_ != other.size_) return false;
    for (std::size_t i = 0; i < kMaxWords && i < one.size_; ++i) {
      if (std::strcmp(one.words_[i], other.words_[i]) != 0) return false;
    }
    return true;
  }

 private:
  const char* words_[kMaxWords] = {};
  std::size_t size_ = 0;
};

}  // namespace socket_handoff
