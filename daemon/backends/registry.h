// SPDX-License-Identifier: Apache-2.0
// The backends that exist: a factory each, and a line each in registry.cc.

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
  OutputReader* output_reader = nullptr;  // null: no program can be run
};

// Each is defined in the file of its backend, backends/FOLDER/NAME.cc.

// Anthropic's Messages API.
std::unique_ptr<DirectBackend> make_anthropic_backend(const BackendEnvironment& environment);
// Keeps its clients and never answers; they get the head and heartbeats. For benchmarks of streams that wait.
std::unique_ptr<DirectBackend> make_hold_backend(const BackendEnvironment& environment);
// Runs of a LangGraph server's graphs, with or without a thread that remembers.
std::unique_ptr<DirectBackend> make_langgraph_backend(const BackendEnvironment& environment);
// Eighteen pieces of text at a steady pace, without an API. For tests, demos and benchmarks.
std::unique_ptr<DirectBackend> make_mock_backend(const BackendEnvironment& environment);
// Chat Completions or Responses of any server that has OpenAI's API.
std::unique_ptr<DirectBackend> make_openai_backend(const BackendEnvironment& environment);
// One character after the other with a human's rhythm. For demos. The text is its own or a program's; with use_api it
// is the answer of `openai`.
std::unique_ptr<DirectBackend> make_typing_backend(const BackendEnvironment& environment);
// `typing` with use_api.
std::unique_ptr<DirectBackend> make_typed_answer_backend(const BackendEnvironment& environment);

// `exec` is a name that a hand-off may give, but no Backend: it has no answer to stream, because its program gets the
// client's socket. stream/program_table.h runs it.
inline constexpr std::string_view kExecBackend = "exec";

struct BackendEntry {
  std::string_view name;
  std::unique_ptr<DirectBackend> (*make)(const BackendEnvironment& environment);  // null: `exec`
};

// What a hand-off may name. Metrics count by the index in it.
std::span<const BackendEntry> backend_registry();

// Null if there is none of that name.
const BackendEntry* find_backend(std::string_view name);

// "mock, openai, ..."
std::string backend_names();

}  // namespace streaming
