// An API that takes every request and never answers.

#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "support/unix_sockets.h"

namespace streaming {

class SilentApi {
 public:
  SilentApi() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_.get(), 4096), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    base_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
  }

  const std::string& base() const { return base_; }
  UniqueFd accept_request() const {
    UniqueFd request(accept(listener_.get(), nullptr, nullptr));
    read_until(request.get(), "\r\n\r\n");
    return request;
  }

 private:
  UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string base_;
};

}  // namespace streaming
