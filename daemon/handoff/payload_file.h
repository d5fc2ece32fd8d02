// SPDX-License-Identifier: Apache-2.0
// PayloadFile: a payload that came as a sealed memfd, mapped so that it can be parsed in place.
//
// Nothing that the sender says is believed: the kernel vouches, by the seals, that the file can no longer change or
// shrink under the mapping. Changes made here are seen by nobody else. One thread.

#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

class PayloadFile {
 public:
  // The Error says what is wrong with the file; its code is EFBIG when it is larger than `max_bytes`.
  static Result<PayloadFile> map(UniqueFd file, std::size_t max_bytes);

  PayloadFile(PayloadFile&& other) noexcept;
  PayloadFile& operator=(PayloadFile&&) = delete;
  ~PayloadFile();

  // kJsonPadding writable bytes stand behind them.
  std::span<char> bytes() const { return {memory_, bytes_}; }

 private:
  PayloadFile(char* memory, std::size_t bytes, std::size_t mapped_bytes)
      : memory_(memory), bytes_(bytes), mapped_bytes_(mapped_bytes) {}

  char* memory_;
  std::size_t bytes_;
  std::size_t mapped_bytes_;
};

}  // namespace streaming
