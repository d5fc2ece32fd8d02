// SPDX-License-Identifier: Apache-2.0
// Engine: which implementation of Ring the daemon uses. Chosen once at the start, on the main thread.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ring/ring.h"

namespace streaming {

enum class Engine : std::uint8_t { kUring, kEpoll };

// As the setting server.engine has it.
constexpr std::string_view name(Engine engine) {
  return engine == Engine::kUring ? "io_uring" : "epoll";
}

struct EngineChoice {
  Engine engine = Engine::kUring;
  bool direct_files = false;  // clients can be in the rings' tables
  std::string reason;         // why the setting `auto` has chosen epoll; empty otherwise
};

// `setting` is auto, io_uring or epoll. `auto` takes io_uring, and epoll if the kernel does not have it or a rule
// forbids it. Other failures, such as a lack of memory or of descriptors, are Errors: they would remain with epoll, or
// pass.
Result<EngineChoice> choose_engine(std::string_view setting);

Result<std::unique_ptr<Ring>> make_ring(Engine engine, const RingOptions& options);

}  // namespace streaming
