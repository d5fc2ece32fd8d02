// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <algorithm>

namespace streaming {
namespace {

// The same for all sessions of a backend, which outlives them.
struct Signs {
  TimerWheel& timers;
  const Duration interval;
};

// Gives signs of life, so that neither limit of an answer's silence ends the stream.
class HoldSession final : public BackendSession, private TimerOwner {
 public:
  HoldSession(const Signs& signs, EventSink& sink) : signs_(signs), sink_(sink), timer_(*this) {
    signs_.timers.schedule(timer_, signs_.interval);
  }

  void pause() override {}
  void resume() override {}
  void cancel() override { timer_.stop(); }

 private:
  void on_timer(Timer&) override {
    signs_.timers.schedule(timer_, signs_.interval);
    sink_.on_event({.kind = AnswerEvent::Kind::kProgress});
  }

  const Signs& signs_;
  EventSink& sink_;
  Timer timer_;
};

static_assert(sizeof(HoldSession) <= 64, "what it measures are streams, not itself");

class HoldBackend final : public DirectBackend {
 public:
  explicit HoldBackend(const BackendEnvironment& environment)
      : signs_{environment.timers,
               std::max(std::min(environment.config.first_byte_timeout, environment.config.idle_timeout) / 2,
                        Duration(1))} {}

  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& sink) override {
    return std::make_unique<HoldSession>(signs_, sink);
  }

 private:
  const Signs signs_;
};

}  // namespace

std::unique_ptr<DirectBackend> make_hold_backend(const BackendEnvironment& environment) {
  return std::make_unique<HoldBackend>(environment);
}

}  // namespace streaming
