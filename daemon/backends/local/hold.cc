// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <algorithm>

namespace streaming {
namespace {

// The same for all sessions of a backend, which outlives them.
struct Heartbeat {
  TimerWheel& timers;
  const Duration interval;
};

// Reports progress in time, so that neither first_byte_timeout nor idle_timeout ends the stream.
class HoldSession final : public BackendSession, private TimerOwner {
 public:
  HoldSession(const Heartbeat& heartbeat, EventSink& sink) : heartbeat_(heartbeat), sink_(sink), timer_(*this) {
    heartbeat_.timers.schedule(timer_, heartbeat_.interval);
  }

  void pause() override {}
  void resume() override {}
  void cancel() override { timer_.stop(); }

 private:
  void on_timer(Timer&) override {
    heartbeat_.timers.schedule(timer_, heartbeat_.interval);
    sink_.on_event({.kind = AnswerEvent::Kind::kProgress});
  }

  const Heartbeat& heartbeat_;
  EventSink& sink_;
  Timer timer_;
};

static_assert(sizeof(HoldSession) <= 64, "what it measures are streams, not itself");

class HoldBackend final : public DirectBackend {
 public:
  explicit HoldBackend(const BackendEnvironment& environment)
      : heartbeat_{environment.timers,
                   std::max(std::min(environment.config.first_byte_timeout, environment.config.idle_timeout) / 2,
                            Duration(1))} {}

  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& sink) override {
    return std::make_unique<HoldSession>(heartbeat_, sink);
  }

 private:
  const Heartbeat heartbeat_;
};

}  // namespace

std::unique_ptr<DirectBackend> make_hold_backend(const BackendEnvironment& environment) {
  return std::make_unique<HoldBackend>(environment);
}

}  // namespace streaming
