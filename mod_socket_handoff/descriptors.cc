// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "mod_socket_handoff/check.h"

namespace socket_handoff {

DeadSocket::DeadSocket(UniqueDescriptor descriptor) : descriptor_(std::move(descriptor)) {
}

DeadSocket DeadSocket::create() {
  int ends[2];
  // Non-blocking, because the socket that it replaces is: APR remembers that and would not set it again.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return DeadSocket(UniqueDescriptor());
  }
  const UniqueDescriptor closed_at_once(ends[1]);
  return DeadSocket(UniqueDescriptor(ends[0]));
}

bool DeadSocket::replace(int descriptor) const {
  SH_CHECK(descriptor_ && descriptor >= 0);
  SH_CHECK(descriptor != descriptor_.get());
  // EINTR and EBUSY are reported before anything is replaced; EBUSY is a race with open() in another thread.
  while (::dup3(descriptor_.get(), descriptor, O_CLOEXEC) < 0) {
    if (errno != EINTR && errno != EBUSY) return false;
  }
  return true;
}

}  // namespace socket_handoff
