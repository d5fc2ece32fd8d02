#include "mod_socket_handoff/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace socket_handoff {

DeadSocket::DeadSocket(UniqueDescriptor descriptor) : descriptor_(std::move(descriptor)) {
}

DeadSocket DeadSocket::create() {
  int ends[2];
  // Non-blocking, as the socket that it replaces is: APR remembers that and would not set it again.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return DeadSocket(UniqueDescriptor());
  }
  const UniqueDescriptor closed_at_once(ends[1]);
  return DeadSocket(UniqueDescriptor(ends[0]));
}

bool DeadSocket::lay_over(int descriptor) const {
  // EINTR and EBUSY come before anything was replaced; EBUSY is a race with open() in another thread.
  while (::dup3(descriptor_.get(), descriptor, O_CLOEXEC) < 0) {
    if (errno != EINTR && errno != EBUSY) return false;
  }
  return true;
}

}  // namespace socket_handoff
