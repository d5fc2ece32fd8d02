// SPDX-License-Identifier: Apache-2.0
// A daemon's side of a hand-off, for one test: a listening Unix socket, and what came over a connection to it.

#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>
#include <vector>

#include "mod_socket_handoff/descriptors.h"

struct ReceivedHandoff {
  std::string payload;
  std::vector<socket_handoff::UniqueDescriptor> descriptors;
};

class UnixListener {
 public:
  UnixListener(const std::string& path, int type, int backlog = 8)
      : socket_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
    EXPECT_EQ(::listen(socket_.get(), backlog), 0) << std::strerror(errno);
  }

  bool was_connected_to() const {
    pollfd poll = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) == 1 && accept();
  }

  socket_handoff::UniqueDescriptor accept() const {
    return socket_handoff::UniqueDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  socket_handoff::UniqueDescriptor socket_;
};

// One message, or the next piece of a stream.
inline ReceivedHandoff receive_handoff(int connection) {
  std::string data(256 * 1024, '\0');
  iovec part = {data.data(), data.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t length = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  EXPECT_GE(length, 0) << std::strerror(errno);

  ReceivedHandoff received;
  received.payload = data.substr(0, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    for (std::size_t offset = 0; CMSG_LEN(offset) < header->cmsg_len; offset += sizeof(int)) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(header) + offset, sizeof descriptor);
      received.descriptors.emplace_back(descriptor);
    }
  }
  return received;
}
