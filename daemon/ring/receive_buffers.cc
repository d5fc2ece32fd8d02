// SPDX-License-Identifier: Apache-2.0
#include "ring/receive_buffers.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace streaming {
namespace {

unsigned short id_of(const io_uring_cqe& completion) {
  return static_cast<unsigned short>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
}

}  // namespace

Status ReceiveBuffers::open(std::uint32_t count, std::size_t bytes) {
  void* memory =
      mmap(nullptr, count * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) return Error::from_errno("cannot allocate the ring's receive buffers", errno);
  count_ = count;
  bytes_ = bytes;
  buffers_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(buffers_);

  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
  registration.ring_entries = count;
  registration.bgid = group_;
  if (const int result = io_uring_register_buf_ring(&ring_, &registration, 0); result < 0) {
    return Error::from_errno("cannot register the ring's receive buffers", -result);
  }
  Result<UndumpedMemory> mapped = UndumpedMemory::map(count * stride());
  if (!mapped) return mapped.error();
  memory_ = std::move(*mapped);
  for (std::uint32_t id = 0; id < count; ++id) give(static_cast<unsigned short>(id));
  return success();
}

ReceiveBuffers::~ReceiveBuffers() {
  if (buffers_ != nullptr) munmap(buffers_, count_ * sizeof(io_uring_buf));
}

void ReceiveBuffers::use_for(io_uring_sqe& entry) const {
  CHECK(buffers_ != nullptr);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = group_;
}

std::span<char> ReceiveBuffers::filled(const io_uring_cqe& completion) {
  CHECK(id_of(completion) < count_);
  return {buffer(id_of(completion)), completion.res > 0 ? static_cast<std::size_t>(completion.res) : 0};
}

void ReceiveBuffers::give_back(const io_uring_cqe& completion) {
  give(id_of(completion));
}

void ReceiveBuffers::give(unsigned short id) {
  io_uring_buf_ring_add(buffers_, buffer(id), static_cast<unsigned>(bytes_), id,
                        io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(buffers_, 1);
}

}  // namespace streaming
