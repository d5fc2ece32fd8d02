// SPDX-License-Identifier: Apache-2.0
// System calls on a client's socket that both engines make in the same way. Each returns a completion's result.

#pragma once

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace streaming {

inline std::int32_t shut_down_write(int fd) {
  return shutdown(fd, SHUT_WR) == 0 ? 0 : -errno;
}

// Of a Unix socket it is the memory that the unread bytes take.
inline std::int32_t count_unacknowledged(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -errno;
}

}  // namespace streaming
