// SPDX-License-Identifier: Apache-2.0
// SilentBackend: a backend whose sessions do nothing.

#pragma once

#include <memory>

#include "backends/backend.h"

namespace streaming {

// The test speaks in place of its sessions.
struct SilentBackend final : DirectBackend {
  struct Session final : BackendSession {
    explicit Session(int& cancellations) : cancelled(cancellations) {}
    void pause() override {}
    void resume() override {}
    void cancel() override { ++cancelled; }
    int& cancelled;
  };
  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& event_sink) override {
    sink = &event_sink;
    return std::make_unique<Session>(cancelled);
  }
  EventSink* sink = nullptr;
  int cancelled = 0;
};

}  // namespace streaming
