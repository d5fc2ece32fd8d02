// SPDX-License-Identifier: Apache-2.0
// UnusedBytes: bytes of a client that Apache has read and not used, which a daemon gets together with the connection. A
// value. Pure.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "protocol/connection_part.h"

namespace socket_handoff {

class UnusedBytes {
 public:
  void append(std::span<const std::uint8_t> bytes) {
    const std::size_t kept = std::min(bytes.size(), room_.size() - size_);
    if (kept > 0) std::memcpy(room_.data() + size_, bytes.data(), kept);
    size_ += kept;
    is_complete_ = is_complete_ && kept == bytes.size();
  }
  void clear() {
    size_ = 0;
    is_complete_ = true;
  }

  // False if more was appended than a daemon takes.
  bool is_complete() const { return is_complete_; }
  std::span<const std::uint8_t> bytes() const { return std::span(room_).first(size_); }

 private:
  std::size_t size_ = 0;
  bool is_complete_ = true;
  std::array<std::uint8_t, handoff_protocol::kMaxUnusedBytes> room_;
};

}  // namespace socket_handoff
