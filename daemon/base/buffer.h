// SPDX-License-Identifier: Apache-2.0
// Buffer: bytes that wait to be sent. It is 16 bytes large and allocates nothing before the first append. There is room
// before the first byte, so that a prefix that is known last (a chunk's size) needs no move.
//
// Owned by a stream. Before the kernel sees it, it is moved to the stream's buffer in flight, to which nothing is
// appended. The caller bounds the size. One thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace streaming {

// The smallest blocks that a thread's buffers have given back. A turn takes and returns hundreds, and malloc keeps seven of
// a size at hand.
class SpareBlocks {
 public:
  static constexpr std::size_t kBytes = 112;  // fits a short event, and a malloc chunk with its header

  SpareBlocks() = default;
  SpareBlocks(const SpareBlocks&) = delete;
  SpareBlocks& operator=(const SpareBlocks&) = delete;
  ~SpareBlocks() {
    while (void* block = take()) std::free(block);
  }

  // Null if there is none.
  void* take() {
    if (first_ == nullptr) return nullptr;
    --count_;
    return std::exchange(first_, first_->next);
  }
  // Takes over a block of kBytes; false if there are enough.
  bool keep(void* block) {
    if (count_ == kMost) return false;
    ++count_;
    first_ = new (block) Block{first_};
    return true;
  }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr std::uint32_t kMost = 0;  // so that a use after the end is found
#else
  static constexpr std::uint32_t kMost = 512;  // 56 KB
#endif
  struct Block {
    Block* next;
  };

  Block* first_ = nullptr;
  std::uint32_t count_ = 0;
};

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    other.reset();
    return *this;
  }
  ~Buffer() { reset(); }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  const char* data() const { return data_; }
  std::string_view view() const { return {data_, size_}; }

  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(reserve(text.size()), text.data(), text.size());
    size_ += static_cast<std::uint32_t>(text.size());
  }
  void append(char byte) {
    *reserve(1) = byte;
    ++size_;
  }

  // The caller may write the kHeadroom bytes that end at begin(), if the buffer has had an append.
  static constexpr std::size_t kHeadroom = 16;
  char* begin() { return data_; }

  // Room for `more` bytes after the end: fill it, then call commit().
  char* reserve(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return data_ + size_;
  }
  void commit(std::size_t written) {
    CHECK(written <= capacity_ - size_);
    size_ += static_cast<std::uint32_t>(written);
  }

  // Keeps the memory for what is appended next.
  void clear() { size_ = 0; }
  // Frees the memory.
  void reset() {
    if (data_ != nullptr) give_back();
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  void* memory() const { return data_ == nullptr ? nullptr : data_ - kHeadroom; }

  void grow(std::size_t more) {
    std::size_t bytes = data_ == nullptr ? SpareBlocks::kBytes : (kHeadroom + capacity_) * 2;
    while (bytes - kHeadroom - size_ < more) bytes *= 2;
    CHECK(bytes <= UINT32_MAX);
    void* block = bytes == SpareBlocks::kBytes ? spare_.take() : nullptr;
    if (block == nullptr) block = std::realloc(memory(), bytes);
    CHECK(block != nullptr);
    data_ = static_cast<char*>(block) + kHeadroom;
    capacity_ = static_cast<std::uint32_t>(bytes - kHeadroom);
  }

  void give_back() {
    if (kHeadroom + capacity_ != SpareBlocks::kBytes || !spare_.keep(memory())) std::free(memory());
  }

  inline static thread_local SpareBlocks spare_;

  char* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

static_assert(sizeof(Buffer) == 16);

}  // namespace streaming
