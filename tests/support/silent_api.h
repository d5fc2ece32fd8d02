// SPDX-License-Identifier: Apache-2.0
// SilentApi: an API that accepts every request and never answers.

#pragma once

#include <sys/socket.h>

#include <string>

#include "support/tcp_sockets.h"
#include "support/unix_sockets.h"

namespace streaming {

class SilentApi {
 public:
  std::string base() const { return "http://127.0.0.1:" + std::to_string(listener_.port) + "/v1"; }
  UniqueFd accept_request() const {
    UniqueFd request(accept(listener_.socket.get(), nullptr, nullptr));
    read_until(request.get(), "\r\n\r\n");
    return request;
  }

 private:
  const TcpListener listener_ = tcp_listener(kLoopback, 4096);
};

}  // namespace streaming
