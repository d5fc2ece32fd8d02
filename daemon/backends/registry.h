// SPDX-License-Identifier: Apache-2.0
// The backends that exist, one line each in registry.cc.

#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "backends/backend.h"
#include "config/config.h"
#include "process/output_reader.h"
#include "ring/timer_wheel.h"
#include "upstream/http_client.h"

namespace streaming {

// What a backend may use of its worker; all of it outlives the backend.
struct BackendEnvironment {
  const Config& config;
  TimerWheel& timers;
  HttpClient& http;
  OutputReader* programs = nullptr;  // null: none can be run
};

struct BackendEntry {
  std::string_view name;
  // Null: it has no events; its clients are given away whole.
  std::unique_ptr<DirectBackend> (*make)(const BackendEnvironment& environment);
};

std::span<const BackendEntry> backend_registry();

// Null when there is none of that name.
const BackendEntry* find_backend(std::string_view name);

// "mock, openai, ..."
std::string backend_names();

}  // namespace streaming
