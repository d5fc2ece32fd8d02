// SPDX-License-Identifier: Apache-2.0
#include "backends/backend_set.h"

#include <algorithm>
#include <utility>

#include "backends/wrapping/attachments.h"
#include "base/check.h"
#include "base/log.h"

namespace streaming {

BackendSet::BackendSet(std::shared_ptr<const Config> config, TimerWheel& timers, HttpClient& http,
                       OutputReader& programs, FileReader& files, Counters& counters)
    : config_(std::move(config)) {
  for (const BackendEntry& entry : backend_registry()) {
    if (entry.make == nullptr) continue;
    backends_.push_back({entry.name, entry.make(BackendEnvironment{*config_, timers, http, &programs})});
    backends_.back().backend->set_index(static_cast<std::size_t>(&entry - backend_registry().data()));
  }
  if (config_->retries > 0 || !config_->fallback.empty()) add_fallbacks(timers, counters);
  add_attachments(files);
}

void BackendSet::add_attachments(FileReader& files) {
  Result<FileReader::Directory> opened = open_data_dir(*config_);
  if (!opened) log::error("{}", opened.error().message);
  // Nothing is found in one that could not be opened.
  const FileReader::Directory directory = opened ? *opened : std::make_shared<const UniqueFd>();
  for (Named& named : backends_) {
    named.with_attachments =
        std::make_unique<AttachmentBackend>(named.without_attachments(), *config_, files, directory);
    named.with_attachments->set_index(named.backend->index());
  }
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

Backend* BackendSet::find(std::string_view name, const HandoffRequest& request) const {
  for (const Named& known : backends_) {
    if (known.name != name) continue;
    return asks_for_attachments(request) ? known.with_attachments.get() : &known.without_attachments();
  }
  return nullptr;
}

bool BackendSet::in_use() const {
  return std::any_of(backends_.begin(), backends_.end(), [](const Named& named) { return named.in_use(); });
}

}  // namespace streaming
