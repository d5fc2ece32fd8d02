// SPDX-License-Identifier: Apache-2.0
// RingTurns: a real ring of the engine that this kernel offers, with timers, whose loop a test runs until its condition
// holds.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "ring/engine.h"
#include "ring/timer_wheel.h"
#include "support/patience.h"

namespace streaming {

class RingTurns final : public CompletionHandler {
 public:
  RingTurns() {
    static const Engine engine = choose_engine("auto").value().engine;
    Result<std::unique_ptr<Ring>> made =
        make_ring(engine, {.client_files = 1, .connection_files = 1, .receive_bytes = 64});
    EXPECT_TRUE(made.ok()) << made.error().message;
    ring = std::move(*made);
    EXPECT_TRUE(ring->enable().ok());
  }

  // False if the condition does not hold within kPatience.
  bool turn_until(const std::function<bool()>& condition) {
    const Time deadline = MonotonicClock::now() + kPatience;
    while (!condition()) {
      if (MonotonicClock::now() > deadline) return false;
      constexpr std::int64_t kTurnNs = 5'000'000;
      EXPECT_TRUE(ring->wait(kTurnNs).ok());
      timers.set_now(MonotonicClock::now());
      ring->dispatch(*this);
      timers.expire();
      timers.end_turn();
    }
    return true;
  }

  void on_completion(const Completion& completion) override { handler(completion); }

  std::function<void(const Completion&)> handler;
  std::unique_ptr<Ring> ring;
  TimerWheel timers{MonotonicClock::now()};
};

}  // namespace streaming
