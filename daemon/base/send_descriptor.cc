// SPDX-License-Identifier: Apache-2.0
#include "base/send_descriptor.h"

#include <sys/socket.h>

#include <cstring>

namespace streaming {

ssize_t send_descriptor(int socket, std::string_view message, int descriptor, int flags) {
  iovec data{const_cast<char*>(message.data()), message.size()};  // sendmsg() only reads
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)]{};
  msghdr whole{};
  whole.msg_iov = &data;
  whole.msg_iovlen = 1;
  whole.msg_control = control;
  whole.msg_controllen = sizeof control;
  cmsghdr* const rights = CMSG_FIRSTHDR(&whole);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  return sendmsg(socket, &whole, flags | MSG_NOSIGNAL);
}

}  // namespace streaming
