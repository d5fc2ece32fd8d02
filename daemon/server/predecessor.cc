// SPDX-License-Identifier: Apache-2.0
#include "server/predecessor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace streaming {

void Predecessor::report_that_we_serve() {
  constexpr char kReport = 1;
  // If the predecessor has ended meanwhile, no report is needed.
  reachable_.store(::write(channel_.get(), &kReport, 1) == 1, std::memory_order_relaxed);
}

UniqueFd Predecessor::ask(std::string_view payload) {
  if (!reachable()) return {};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);

  iovec data{const_cast<char*>(payload.data()), payload.size()};  // sendmsg() only reads
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  const int descriptor = theirs.get();
  std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  if (sendmsg(channel_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return ours;
  const bool busy = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS;
  if (!busy) reachable_.store(false, std::memory_order_relaxed);
  return {};
}

}  // namespace streaming
