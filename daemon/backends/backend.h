// SPDX-License-Identifier: Apache-2.0
// Backend: where a stream's answer comes from. EventSink: where it goes. BackendSession: one stream's use of a backend.
//
// A worker makes its own backends when it starts and uses them on its thread until it ends; they do not change. A
// session belongs to its stream and borrows the sink, which outlives it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backends/close_cause.h"
#include "base/check.h"
#include "handoff/handoff_request.h"
#include "handoff/refusal.h"
#include "sse/answer_event.h"

namespace streaming {

struct BackendFailure {
  FailureKind kind;
  // For the log alone: names the cause, and holds no prompt, answer or key. Valid during the call. Empty: it was logged.
  std::string_view detail;
  int status = 0;               // of the upstream's answer; 0: there was none
  int retry_after_seconds = 0;  // as the upstream asks; 0: it does not
  // What the client gets to read in place of the kind's own text; empty: that text. Valid during the call.
  std::string_view message = {};
};

// Called by the session from the worker's loop, never from within Backend::answer(). on_end() or on_failure() is the
// last call; both cancel the session from within.
class EventSink {
 public:
  // May pause the session from within, and nothing else.
  virtual void on_event(const AnswerEvent& event) = 0;
  // The tokens so far; each call replaces the last.
  virtual void on_usage(const Usage& usage) = 0;
  virtual void on_end(FinishReason reason) = 0;
  virtual void on_failure(const BackendFailure& failure) = 0;

  // Whether the sink uses AnswerEvent::Kind::kUpstream.
  virtual bool wants_upstream_events() const = 0;

  // The stream's name in the log.
  virtual std::string stream_id() const = 0;

 protected:
  ~EventSink() = default;
};

class BackendSession {
 public:
  virtual ~BackendSession() = default;

  // Backpressure: after pause() only events of what was already read come, until resume().
  virtual void pause() = 0;
  virtual void resume() = 0;
  // The sink is not called again. The session is destroyed later, never from within one of its own calls.
  virtual void cancel() = 0;

  // The answer ends, for this cause; before cancel(). Only the first call counts.
  virtual void on_answer_end(CloseCause) {}
  // The client's stream has ended; the last call, after cancel().
  virtual void on_stream_end(bool /*client_has_end*/) {}
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Why it cannot answer this request; nothing if it can. Asked before the client gets a stream, so that it still gets
  // a status instead.
  virtual std::optional<Refusal> refusal_for(const HandoffRequest&) const { return std::nullopt; }

  // `request` is one that it does not refuse.
  virtual std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) = 0;

  // The model that is asked for; empty if there is none. Valid as long as the request.
  virtual std::string_view model(const HandoffRequest& request) const { return request.model; }

  // The format that a client of this request gets unless the hand-off names one; empty: the daemon's for all backends.
  // Valid as long as the backend.
  virtual std::string_view format(const HandoffRequest&) const { return {}; }

  // The id of the kept answer that it hands on, whose events its sessions hand on encoded; empty: none.
  virtual std::string_view answer_id() const { return {}; }

  // Which of backend_registry() it is; its owner sets that.
  void set_index(std::size_t index) { index_ = static_cast<std::uint32_t>(index); }
  std::size_t index() const { return index_; }

  // Reference count: the backend and its worker outlive the streams that use it.
  void enter() { ++streams_; }
  void leave() {
    CHECK(streams_ > 0);
    --streams_;
  }
  // A backend that has more to do after its streams is in use for that long, for kGoodbyeTimeout at most.
  virtual bool in_use() const { return streams_ > 0; }

 private:
  std::uint32_t index_ = 0;
  std::uint32_t streams_ = 0;
};

// A backend that gives its answers itself. What it has begun needs the request no more, so that the same request can be
// tried again.
class DirectBackend : public Backend {
 public:
  // `request` is valid during the call alone.
  virtual std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) = 0;

  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) final {
    return start(*request, sink);
  }
};

}  // namespace streaming
