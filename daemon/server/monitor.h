// SPDX-License-Identifier: Apache-2.0
// Monitor: the HTTP endpoint for whoever watches the daemon: /metrics, /healthz, /readyz and /streams.
//
// Made and destroyed by the Server on the main thread; answers on threads of its own.

#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace streaming {

// Asked on the monitor's threads.
class MonitorSource {
 public:
  virtual std::string metrics() const = 0;  // in Prometheus' text format
  virtual bool alive() const = 0;           // every worker turns
  virtual bool accepting() const = 0;
  virtual std::string streams() const = 0;  // JSON

 protected:
  ~MonitorSource() = default;
};

class Monitor {
 public:
  // Listens on `address`, "ADDRESS:PORT". Borrows the source.
  static Result<std::unique_ptr<Monitor>> start(const std::string& address, const MonitorSource& source);
  ~Monitor();

  // Where it listens, also when the port was 0.
  int port() const;

 private:
  class HttpServer;

  explicit Monitor(std::unique_ptr<HttpServer> http);

  const std::unique_ptr<HttpServer> http_;
};

}  // namespace streaming
