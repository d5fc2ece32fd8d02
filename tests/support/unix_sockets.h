// SPDX-License-Identifier: Apache-2.0
// Unix sockets and messages with descriptors, as Apache's side of a hand-off.

#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace streaming {

inline std::pair<UniqueFd, UniqueFd> socket_pair(int type = SOCK_STREAM) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

inline UniqueFd connect_to(const std::string& path, int type = SOCK_SEQPACKET) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

// Does not wait in accept().
inline UniqueFd listen_at(const std::string& path) {
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener.get(), 8), 0);
  return listener;
}

// Sends one message; false, with errno, if that failed.
inline bool send_message(int socket, std::string_view payload, std::span<const int> descriptors) {
  iovec part{const_cast<char*>(payload.data()), payload.size()};
  std::vector<char> control(CMSG_SPACE(descriptors.size_bytes()));
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(payload.size());
}

// All bytes until the peer closes; `error` is the errno of a connection that ended in another way, otherwise 0.
inline std::string read_to_end(int fd, int& error) {
  std::string all;
  std::array<char, 64 * 1024> bytes;
  ssize_t got = 0;
  while ((got = recv(fd, bytes.data(), bytes.size(), 0)) > 0 || (got < 0 && errno == EINTR)) {
    all.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  error = got < 0 ? errno : 0;
  return all;
}

inline std::string read_to_end(int fd) {
  int ignored = 0;
  return read_to_end(fd, ignored);
}

// The next bytes: on a stream any part of those that were sent. Empty if the peer has closed.
inline std::string read_some(int fd) {
  std::array<char, 64 * 1024> bytes;
  const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
  return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : "";
}

// All bytes until they contain `text`.
inline std::string read_until(int fd, std::string_view text) {
  std::string all;
  while (all.find(text) == std::string::npos) {
    const std::string more = read_some(fd);
    if (more.empty()) {
      ADD_FAILURE() << "the peer has closed before \"" << text << "\": " << all;
      break;
    }
    all += more;
  }
  return all;
}

}  // namespace streaming
