// SPDX-License-Identifier: Apache-2.0
// FallbackBackend: a backend that is tried again, and others after it, as long as the client has got no event.
//
// One for each backend of a BackendSet that has retries or fallbacks, on its worker's thread. Borrows the backends,
// which live as long. Its session holds the request until the last try or the first event, and then only passes on.

#pragma once

#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "handoff/handoff_request.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"

namespace streaming {

struct FallbackSettings {
  int retries = 0;          // of each backend, if the failure may be temporary
  Duration try_timeout{0};  // a try without progress for that long gives way to the next; 0: as the stream waits
};

class FallbackBackend final : public Backend {
 public:
  struct Choice {
    std::string_view name;
    DirectBackend* backend;
  };

  // The first of `choices` is the one that was asked for.
  FallbackBackend(std::vector<Choice> choices, const FallbackSettings& settings, TimerWheel& timers,
                  Counters& counters);

  // The request may come to any of the choices.
  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override;
  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) override;

  std::string_view model(const HandoffRequest& request) const override {
    return choices_.front().backend->model(request);
  }
  std::string_view format(const HandoffRequest& request) const override {
    return choices_.front().backend->format(request);
  }

  // For its sessions.
  std::span<const Choice> choices() const { return choices_; }
  const FallbackSettings& settings() const { return settings_; }
  TimerWheel& timers() { return timers_; }
  Counters& counters() { return counters_; }
  // Before the try after `tries` failed ones: longer each time, and not the same for all who have failed together.
  Duration pause_after(int tries);

 private:
  const std::vector<Choice> choices_;
  const FallbackSettings settings_;
  TimerWheel& timers_;
  Counters& counters_;
  std::minstd_rand random_;
};

}  // namespace streaming
