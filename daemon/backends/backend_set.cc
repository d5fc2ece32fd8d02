#include "backends/backend_set.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace streaming {

BackendSet::BackendSet(std::shared_ptr<const Config> config, TimerWheel& timers, HttpClient& http, Counters& counters)
    : config_(std::move(config)) {
  for (const BackendEntry& entry : backend_registry()) {
    backends_.push_back({entry.name, entry.make(BackendEnvironment{*config_, timers, http})});
    backends_.back().backend->set_index(backends_.size() - 1);
  }
  if (config_->retries > 0 || !config_->fallback.empty()) add_fallbacks(timers, counters);
}

void BackendSet::add_fallbacks(TimerWheel& timers, Counters& counters) {
  const FallbackSettings settings{.retries = static_cast<int>(config_->retries), .try_timeout = config_->try_timeout};
  for (Named& first : backends_) {
    std::vector<FallbackBackend::Choice> choices{{first.name, first.backend.get()}};
    for (const std::string& name : config_->fallback) {
      const auto next =
          std::find_if(backends_.begin(), backends_.end(), [&](const Named& named) { return named.name == name; });
      CHECK(next != backends_.end());  // check_config() has looked
      if (next->name != first.name) choices.push_back({next->name, next->backend.get()});
    }
    first.with_fallback = std::make_unique<FallbackBackend>(std::move(choices), settings, timers, counters);
    first.with_fallback->set_index(first.backend->index());
  }
}

Backend* BackendSet::find(std::string_view name) const {
  const std::string_view wanted = name.empty() ? std::string_view(config_->backend) : name;
  for (const Named& known : backends_) {
    if (known.name == wanted) return known.to_use();
  }
  return nullptr;
}

bool BackendSet::in_use() const {
  return std::any_of(backends_.begin(), backends_.end(), [](const Named& named) { return named.to_use()->in_use(); });
}

}  // namespace streaming
