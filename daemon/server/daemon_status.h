// SPDX-License-Identifier: Apache-2.0
// DaemonStatus: the facts that the StatusServer reports about all workers: metrics, whether their loops run, their
// streams.
//
// Owned by the Server, and used on the StatusServer's threads while the workers run. It reads no worker's own state: it
// posts a question, which the worker answers.

#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "ring/engine.h"
#include "server/capacity.h"
#include "server/worker.h"

namespace streaming {

// Of the workers that run and have a store.
struct StoreConnections {
  std::size_t workers = 0;
  std::size_t connected = 0;
};

class DaemonStatus {
 public:
  // Borrows the workers and `requests`, which counts the bytes that hand-offs hold. `journals`: their directory; empty
  // if there is none.
  DaemonStatus(std::span<const std::unique_ptr<Worker>> workers, const ByteBudget& requests, Capacity capacity,
               Engine engine, std::string journals)
      : workers_(workers),
        requests_(requests),
        capacity_(std::move(capacity)),
        engine_(engine),
        journals_(std::move(journals)) {}

  // On the main thread.
  void set_accepting(bool accepting) { accepting_.store(accepting, std::memory_order_relaxed); }
  // Whether the daemon is not ready while a worker cannot reach the store.
  void set_store_required(bool required) { store_required_.store(required, std::memory_order_relaxed); }

  std::string metrics() const;  // in Prometheus' text format
  bool alive() const;           // every worker's loop runs
  bool ready() const;           // it takes hand-offs, and has what it requires
  StoreConnections store_connections() const;
  std::string streams() const;  // JSON, with the kept answers and totals of these and of reports
  Engine engine() const { return engine_; }

 private:
  const std::span<const std::unique_ptr<Worker>> workers_;
  const ByteBudget& requests_;
  const Capacity capacity_;
  const Engine engine_;
  const std::string journals_;
  const Time started_ = MonotonicClock::now();
  std::atomic<bool> accepting_{false};
  std::atomic<bool> store_required_{false};
};

}  // namespace streaming
