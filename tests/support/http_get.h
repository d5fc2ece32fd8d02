// SPDX-License-Identifier: Apache-2.0
// Sends a GET to a port of this machine, by default over loopback, as a monitoring system does.

#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "support/tcp_sockets.h"
#include "support/unix_sockets.h"

namespace streaming {

// The whole answer, whose Content-Length must be right; empty if no process listens.
inline std::string http_get(int port, const std::string& path, const std::string& host = kLoopback) {
  const UniqueFd connection = tcp_connection_to(port, host);
  if (!connection) return "";
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  EXPECT_EQ(send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  int error = 0;
  const std::string answer = read_to_end(connection.get(), error);
  EXPECT_EQ(error, 0) << std::strerror(error);
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t length = answer.find(kLength), head_end = answer.find("\r\n\r\n");
  if (length < head_end) {
    EXPECT_EQ(answer.size() - head_end - 4, std::strtoul(answer.c_str() + length + kLength.size(), nullptr, 10))
        << "the answer is cut";
  }
  return answer;
}

}  // namespace streaming
