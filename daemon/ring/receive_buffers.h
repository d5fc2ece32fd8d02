// SPDX-License-Identifier: Apache-2.0
// ReceiveBuffers: buffers of one size that the kernel takes when there is something to receive into them, so that an
// operation that waits holds none.
//
// Two groups belong to a UringRing, one for messages and one for streams; on its thread, as long as it.

#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/json_input.h"
#include "base/undumped_memory.h"
#include "base/result.h"

namespace streaming {

class ReceiveBuffers {
 public:
  // Borrows the ring, which must be closed first.
  ReceiveBuffers(io_uring& ring, unsigned short group) : ring_(ring), group_(group) {}
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;
  ~ReceiveBuffers();

  // `count` is a power of two.
  Status open(std::uint32_t count, std::size_t bytes);

  void use_for(io_uring_sqe& entry) const;
  // What the completion has brought; it is read before give_back().
  std::span<char> filled(const io_uring_cqe& completion);
  void give_back(const io_uring_cqe& completion);

 private:
  std::size_t stride() const { return bytes_ + kJsonPadding; }
  char* buffer(unsigned short id) const { return memory_.data() + id * stride(); }
  void give(unsigned short id);

  io_uring& ring_;
  const unsigned short group_;
  std::uint32_t count_ = 0;
  std::size_t bytes_ = 0;
  io_uring_buf_ring* buffers_ = nullptr;
  UndumpedMemory memory_;  // clients' keys and texts pass through it
};

}  // namespace streaming
