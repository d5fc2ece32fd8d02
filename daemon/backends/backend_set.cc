#include "backends/backend_set.h"

#include <algorithm>
#include <utility>

namespace streaming {

BackendSet::BackendSet(std::shared_ptr<const Config> config, TimerWheel& timers, HttpClient& http)
    : config_(std::move(config)) {
  for (const BackendEntry& entry : backend_registry()) {
    backends_.push_back({entry.name, entry.make(BackendEnvironment{*config_, timers, http})});
  }
}

Backend* BackendSet::find(std::string_view name) const {
  const std::string_view wanted = name.empty() ? std::string_view(config_->backend) : name;
  for (const Named& known : backends_) {
    if (known.name == wanted) return known.backend.get();
  }
  return nullptr;
}

bool BackendSet::in_use() const {
  return std::any_of(backends_.begin(), backends_.end(), [](const Named& named) { return named.backend->in_use(); });
}

}  // namespace streaming
