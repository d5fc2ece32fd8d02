// SPDX-License-Identifier: Apache-2.0
// SseSession: a stream's use of an API that answers a POST with an event stream. AnswerReader: what that API's events
// mean.
//
// The session belongs to its stream, owns its reader and its transfer, and borrows client and sink. The budget outlives
// it. On the worker's thread.

#pragma once

#include <cstdint>
#include <memory>

#include "backends/backend.h"
#include "backends/event_budget.h"
#include "sse/parser.h"
#include "upstream/http_client.h"

namespace streaming {

class AnswerReader {
 public:
  enum class Verdict : std::uint8_t {
    kGoesOn,
    kEnd,        // the event ends the answer, which is complete
    kReported,   // the upstream reports an error
    kMalformed,  // not what the API promises
  };

  virtual ~AnswerReader() = default;

  // The head of an answer that is to be read.
  virtual void on_head(const HttpHead&) {}

  // Reports to the sink what the event means; may change its data. The last call, unless the verdict is kGoesOn.
  virtual Verdict read(SseEvent& event, EventSink& sink) = 0;

  // Reports what waited for the end of the answer. The last call, if the answer is complete.
  virtual void finish(EventSink& sink) = 0;

  // Whether the answer is complete if the body or the connection ends here.
  virtual bool may_end() const = 0;
  // Whether it is if the body has the end that HTTP gives it; some APIs mark the end of an answer by nothing else.
  virtual bool may_end_with_body() const { return may_end(); }
  // Of a complete answer.
  virtual FinishReason finish_reason() const = 0;
};

class SseSession final : public BackendSession, private HttpReceiver {
 public:
  SseSession(HttpClient& http, HttpRequest request, std::unique_ptr<AnswerReader> reader, EventBudget& events,
             EventSink& sink);

  void pause() override;
  void resume() override;
  void cancel() override;

 private:
  void on_head(const HttpHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_finished(std::string_view error) override;

  // False when the stream has ended.
  bool on_event(SseEvent& event);
  void end();
  void fail(const BackendFailure& failure);
  void fail_by_status(const HttpHead& head);

  EventSink& sink_;
  const std::unique_ptr<AnswerReader> reader_;
  SseParser parser_;
  HeldBytes unfinished_event_;
  bool anything_came_ = false;
  bool ended_ = false;  // the sink has had its last call, or has cancelled the session
  std::unique_ptr<HttpTransfer> transfer_;
};

}  // namespace streaming
