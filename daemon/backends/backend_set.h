// SPDX-License-Identifier: Apache-2.0
// BackendSet: a worker's backends, one of each kind, all made from the same settings.
//
// Owned by its worker, on its thread. When the settings are replaced, the worker makes another set for new streams and
// keeps this one until the last stream that uses it has ended.

#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "backends/registry.h"
#include "backends/wrapping/attachment_backend.h"
#include "backends/wrapping/fallback.h"
#include "files/file_reader.h"

namespace streaming {

class BackendSet {
 public:
  // Borrows all but the settings.
  BackendSet(std::shared_ptr<const Config> config, TimerWheel& timers, HttpClient& http, OutputReader& programs,
             FileReader& files, Counters& counters);

  const Config& config() const { return *config_; }

  // The backend of that name, with what this request needs in front of it. Null if there is none of that name.
  Backend* find(std::string_view name, const HandoffRequest& request) const;

  bool in_use() const;

 private:
  struct Named {
    std::string_view name;
    std::unique_ptr<DirectBackend> backend;
    std::unique_ptr<FallbackBackend> with_fallback = nullptr;       // null without retries and others to try
    std::unique_ptr<AttachmentBackend> with_attachments = nullptr;  // in front of both

    Backend& without_attachments() const {
      return with_fallback ? static_cast<Backend&>(*with_fallback) : *backend;
    }
    bool in_use() const { return backend->in_use() || without_attachments().in_use() || with_attachments->in_use(); }
  };

  void add_attachments(FileReader& files);
  void add_fallbacks(TimerWheel& timers, Counters& counters);

  const std::shared_ptr<const Config> config_;
  std::vector<Named> backends_;
};

}  // namespace streaming
