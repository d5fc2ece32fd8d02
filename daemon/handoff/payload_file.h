// SPDX-License-Identifier: Apache-2.0
// PayloadFile: a payload that arrived as a sealed memfd, mapped so that it can be parsed in place.
//
// It trusts the kernel alone: the seals guarantee that the file can no longer change or shrink under the mapping. The
// mapping is private, so changes made here do not reach the file. Owned by its PayloadJson, on the worker's thread.

#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

class PayloadFile {
 public:
  // The Error names what is wrong with the file; its code is EFBIG if the file is larger than `max_bytes`.
  static Result<PayloadFile> map(UniqueFd file, std::size_t max_bytes);

  PayloadFile(PayloadFile&& other) noexcept;
  PayloadFile& operator=(PayloadFile&&) = delete;
  ~PayloadFile();

  // kJsonPadding writable bytes follow them.
  std::span<char> bytes() const { return {memory_, bytes_}; }

 private:
  PayloadFile(char* memory, std::size_t bytes, std::size_t mapped_bytes)
      : memory_(memory), bytes_(bytes), mapped_bytes_(mapped_bytes) {}

  char* memory_;
  std::size_t bytes_;
  std::size_t mapped_bytes_;
};

}  // namespace streaming
