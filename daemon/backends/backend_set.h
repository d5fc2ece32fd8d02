// BackendSet: a worker's backends, one of each kind, all made from the same settings.
//
// Owned by its worker, on its thread. When the settings are replaced, the worker makes another set for new streams and
// keeps this one until the last stream that uses it has ended.

#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "backends/registry.h"

namespace streaming {

class BackendSet {
 public:
  // Borrows the last two.
  BackendSet(std::shared_ptr<const Config> config, TimerWheel& timers, HttpClient& http);

  // The configured one where `name` is empty; null when there is none of that name.
  Backend* find(std::string_view name) const;

  bool in_use() const;

 private:
  struct Named {
    std::string_view name;
    std::unique_ptr<Backend> backend;
  };

  const std::shared_ptr<const Config> config_;
  std::vector<Named> backends_;
};

}  // namespace streaming
