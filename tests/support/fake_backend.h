// SPDX-License-Identifier: Apache-2.0
// FakeBackend: a backend without actions of its own; the test calls the sink.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace streaming {

struct FakeBackend : DirectBackend {
  struct Session : BackendSession {
    explicit Session(FakeBackend& owner) : backend(owner) {}
    ~Session() override { ++backend.destroyed; }
    void pause() override { ++backend.paused; }
    void resume() override { ++backend.resumed; }
    void cancel() override { ++backend.cancelled; }
    void on_answer_end(CloseCause cause) override { backend.causes.push_back(cause); }
    void on_stream_end(bool client_has_end) override { backend.client_has_end = client_has_end; }
    FakeBackend& backend;
  };

  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& event_sink) override {
    sink = &event_sink;
    return std::make_unique<Session>(*this);
  }

  std::string_view format(const HandoffRequest&) const override { return own_format; }

  EventSink* sink = nullptr;
  std::string own_format;
  std::vector<CloseCause> causes;  // that sessions were told
  std::optional<bool> client_has_end;
  int paused = 0, resumed = 0, cancelled = 0, destroyed = 0;
};

}  // namespace streaming
