// SPDX-License-Identifier: Apache-2.0
#include "ring/ring_restrictions.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace streaming {
namespace {

io_uring_restriction restriction(std::uint16_t kind, std::uint8_t what) {
  io_uring_restriction entry{};
  entry.opcode = kind;
  entry.sqe_op = what;  // in a union with what other kinds allow
  return entry;
}

// The kernel takes no list that has an operation which it does not know.
Result<std::vector<io_uring_restriction>> restrictions_for(io_uring& ring) {
  const std::unique_ptr<io_uring_probe, decltype(&io_uring_free_probe)> probe(io_uring_get_probe_ring(&ring),
                                                                              &io_uring_free_probe);
  if (probe == nullptr) return Error{"cannot find out which operations of io_uring the kernel has"};
  std::vector<io_uring_restriction> entries;
  for (const std::uint8_t operation : kRingOperations) {
    if (operation <= probe->last_op) entries.push_back(restriction(IORING_RESTRICTION_SQE_OP, operation));
  }
  for (const std::uint8_t registration : kRingRegistrations) {
    entries.push_back(restriction(IORING_RESTRICTION_REGISTER_OP, registration));
  }
  entries.push_back(restriction(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, kRingEntryFlags));
  return entries;
}

}  // namespace

Status restrict_ring(io_uring& ring) {
  Result<std::vector<io_uring_restriction>> entries = restrictions_for(ring);
  if (!entries) return entries.error();
  // liburing 2.3 declares io_uring_register_restrictions() and does not export it.
  if (syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_RESTRICTIONS, entries->data(), entries->size()) <
      0) {
    return Error::from_errno("cannot restrict the ring to the operations that are used", errno);
  }
  return success();
}

}  // namespace streaming
