// SPDX-License-Identifier: Apache-2.0
// Overseer: what the workers together look like from outside: their figures, whether they turn, their streams.
//
// Owned by the Server. Asked on the monitor's threads while the workers run; it never touches what is a worker's, but
// lets the worker tell.

#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "server/capacity.h"
#include "server/monitor.h"
#include "server/worker.h"

namespace streaming {

class Overseer final : public MonitorSource {
 public:
  // Borrows all but the capacity. `requests` is what they hold.
  Overseer(std::span<const std::unique_ptr<Worker>> workers, const ByteBudget& requests, Capacity capacity)
      : workers_(workers), requests_(requests), capacity_(std::move(capacity)) {}

  // The main thread's.
  void set_accepting(bool accepting) { accepting_.store(accepting, std::memory_order_relaxed); }

  std::string metrics() const override;
  bool alive() const override;
  bool accepting() const override { return accepting_.load(std::memory_order_relaxed); }
  std::string streams() const override;

 private:
  const std::span<const std::unique_ptr<Worker>> workers_;
  const ByteBudget& requests_;
  const Capacity capacity_;
  const Time started_ = MonotonicClock::now();
  std::atomic<bool> accepting_{false};
};

}  // namespace streaming
