// SPDX-License-Identifier: Apache-2.0
#include "server/predecessor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/send_descriptor.h"

namespace streaming {

void Predecessor::report_that_we_serve() {
  constexpr char kReport = 1;
  // If the predecessor has ended meanwhile, no report is needed.
  reachable_.store(::write(channel_.get(), &kReport, 1) == 1, std::memory_order_relaxed);
}

UniqueFd Predecessor::ask(std::string_view payload, int descriptors) {
  if (!reachable()) return {};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  if (ours.get() >= descriptors) return {};
  if (send_descriptor(channel_.get(), payload, theirs.get(), MSG_DONTWAIT) >= 0) return ours;
  const bool busy = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS;
  if (!busy) reachable_.store(false, std::memory_order_relaxed);
  return {};
}

}  // namespace streaming
