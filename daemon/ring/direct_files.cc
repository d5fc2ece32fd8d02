// SPDX-License-Identifier: Apache-2.0
#include "ring/direct_files.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/unique_fd.h"

namespace streaming {
namespace {

constexpr unsigned kOlderSlot = 0;
constexpr unsigned kClosedSlot = 1;

// One end of a new socket pair in `slot`; the other end.
UniqueFd install_socket(io_uring& ring, unsigned slot) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  const UniqueFd installed(ends[0]);
  UniqueFd other(ends[1]);
  if (io_uring_register_files_update(&ring, slot, ends, 1) < 0) return {};
  return other;
}

bool submit_and_complete(io_uring& ring) {
  if (io_uring_submit_and_wait(&ring, 1) < 0) return false;
  io_uring_cqe* completion = nullptr;
  if (io_uring_peek_cqe(&ring, &completion) != 0) return false;
  io_uring_cqe_seen(&ring, completion);
  // The file's end is work that this thread does when it enters the kernel again.
  return io_uring_get_events(&ring) >= 0;
}

bool releases_at_once(io_uring& ring) {
  if (io_uring_register_files_sparse(&ring, 2) < 0) return false;
  const UniqueFd older = install_socket(ring, kOlderSlot), peer = install_socket(ring, kClosedSlot);
  if (!older || !peer) return false;

  io_uring_sqe* watch = io_uring_get_sqe(&ring);
  io_uring_prep_poll_add(watch, kOlderSlot, POLLIN);
  watch->flags |= IOSQE_FIXED_FILE;
  if (io_uring_submit(&ring) < 0) return false;
  io_uring_prep_close_direct(io_uring_get_sqe(&ring), kClosedSlot);
  if (!submit_and_complete(ring)) return false;
  char byte = 0;
  return recv(peer.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

}  // namespace

bool kernel_releases_direct_files_at_once() {
  io_uring ring{};
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (io_uring_queue_init_params(8, &ring, &params) < 0) return false;
  const bool at_once = releases_at_once(ring);
  io_uring_queue_exit(&ring);
  return at_once;
}

}  // namespace streaming
