// SPDX-License-Identifier: Apache-2.0
// WrappingSession: the base of sessions that get their answer from another one, the inner session.
//
// It owns the inner session, and nothing else can call it: a derived class begins one, drops it, and gets its events.
// So a session that was cancelled or freed is never called, whatever the derived class does between two of them.
// Belongs to its stream, or to another wrapping session, on the worker's thread; borrows the sink.

#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "base/check.h"

namespace streaming {

class WrappingSession : public BackendSession, protected EventSink {
 public:
  // Hold for the present inner session and for each one that begins later.
  void pause() final;
  void resume() final;
  // Cancels the inner session too. Does nothing the second time.
  void cancel() final;

 protected:
  explicit WrappingSession(EventSink& sink) : sink_(sink) {}
  WrappingSession(const WrappingSession&) = delete;
  WrappingSession& operator=(const WrappingSession&) = delete;

  // Takes an inner session, whose sink this is. Frees the one that was dropped before, so never call it from within
  // that one's calls.
  void begin(std::unique_ptr<BackendSession> inner);
  // Cancels the inner session: no more calls come from it. Also from within its calls.
  void drop();
  // Whether an inner session has begun and was not dropped.
  bool has_inner() const { return has_inner_; }

  EventSink& sink() {
    CHECK(!cancelled_);  // the sink may be gone
    return sink_;
  }

 private:
  // Called once by cancel(): what the derived class waits for is no longer wanted.
  virtual void on_cancel() = 0;

  void on_usage(const Usage& usage) override { sink().on_usage(usage); }
  bool wants_upstream_events() const final { return sink_.wants_upstream_events(); }
  std::string stream_id() const final { return sink_.stream_id(); }

  EventSink& sink_;
  std::unique_ptr<BackendSession> inner_;  // one that was dropped stays until the next begins: it may be calling us
  bool has_inner_ = false;                 // inner_ may be called
  bool paused_ = false;
  bool cancelled_ = false;
};

}  // namespace streaming
