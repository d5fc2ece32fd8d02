// Backend: where a stream's text comes from. EventSink: where it goes. BackendSession: one stream's use of a backend.
//
// A worker makes its own backends when it starts and uses them on its thread until it ends; they do not change. A
// session belongs to its stream and borrows the sink, which outlives it.

#pragma once

#include <memory>
#include <string_view>

#include "handoff/handoff_request.h"

namespace streaming {

// Why an upstream gave no whole answer.
enum class BackendFailure : std::uint8_t {
  kUnreachable,  // no connection, or lost before the answer's head
  kStatus,       // answered with an error
  kReported,     // an error event in its stream
  kTruncated,    // ended before the answer's end
  kMalformed,    // not what its API promises
  kTooLarge,     // an event over kMaxUpstreamEventBytes
};

// Called by the session from the worker's loop, never from within Backend::start(). on_end() or on_failure() is the
// last call; both cancel the session from within.
class EventSink {
 public:
  // One piece of text, UTF-8; valid during the call. May pause the session from within, and nothing else.
  virtual void on_text(std::string_view text) = 0;
  // The upstream works, though there is no text: it thinks, or calls a tool.
  virtual void on_progress() = 0;
  virtual void on_end() = 0;
  // `detail` is for the log alone: it names the failure's cause, and holds no prompt, answer or key.
  virtual void on_failure(BackendFailure failure, std::string_view detail) = 0;

 protected:
  ~EventSink() = default;
};

class BackendSession {
 public:
  virtual ~BackendSession() = default;

  // Backpressure: after pause() only what was read already comes, until resume().
  virtual void pause() = 0;
  virtual void resume() = 0;
  // The sink is not called again. The session is destroyed later, never from within one of its own calls.
  virtual void cancel() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // `request` is valid during the call alone.
  virtual std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) = 0;
};

}  // namespace streaming
