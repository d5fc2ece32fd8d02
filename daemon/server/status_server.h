// SPDX-License-Identifier: Apache-2.0
// StatusServer: the HTTP endpoint for monitoring: /metrics, /healthz, /readyz and /streams.
//
// Created and destroyed by the Server on the main thread; its own threads answer.

#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

class DaemonStatus;

// "ADDRESS:PORT", as the settings have it; empty: none.
std::string monitoring_address(const Config& config);

class StatusServer {
 public:
  // Listens on `address`, "ADDRESS:PORT". Borrows the status.
  static Result<std::unique_ptr<StatusServer>> start(const std::string& address, const DaemonStatus& status);
  ~StatusServer();

  // The port on which it listens, also if `address` has port 0.
  int port() const;

 private:
  class HttpServer;

  explicit StatusServer(std::unique_ptr<HttpServer> http);

  const std::unique_ptr<HttpServer> http_;
};

}  // namespace streaming
