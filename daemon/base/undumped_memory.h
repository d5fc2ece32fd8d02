// SPDX-License-Identifier: Apache-2.0
// UndumpedMemory: memory that no core dump contains, for secrets and for what may hold them. It is zeroed, and takes no
// RAM before it is written to.
//
// One owner; it moves with its owner. It may be used from any thread, as any other memory.

#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "base/result.h"

namespace streaming {

class UndumpedMemory {
 public:
  static Result<UndumpedMemory> map(std::size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) return Error::from_errno("cannot map memory", errno);
    // A kernel that does not know it goes on to dump this memory, and nothing else is lost.
    madvise(memory, bytes, MADV_DONTDUMP);
    return UndumpedMemory(static_cast<char*>(memory), bytes);
  }

  UndumpedMemory() = default;
  UndumpedMemory(UndumpedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  UndumpedMemory& operator=(UndumpedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~UndumpedMemory() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }

  char* data() const { return data_; }

 private:
  UndumpedMemory(char* data, std::size_t bytes) : data_(data), bytes_(bytes) {}

  char* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace streaming
