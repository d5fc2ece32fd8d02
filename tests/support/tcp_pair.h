// A client and its browser over TCP, as they come to Apache.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "base/unique_fd.h"

namespace streaming {

// The client, and the browser's end.
inline std::pair<UniqueFd, UniqueFd> tcp_pair() {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener.get(), 1), 0);
  socklen_t length = sizeof address;
  EXPECT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  UniqueFd browser(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(browser.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  // As Apache's descriptors are.
  UniqueFd client(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
  return {std::move(client), std::move(browser)};
}

}  // namespace streaming
