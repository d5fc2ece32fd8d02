// SPDX-License-Identifier: Apache-2.0
// SseSession: a stream's use of an API that answers a POST with an event stream. AnswerReader: what that API means.
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
    kEnd,        // the event says that the answer is whole
    kReported,   // the upstream reports an error
    kMalformed,  // not what the API promises
  };

  virtual ~AnswerReader() = default;

  // The head of an answer that is to be read.
  virtual void on_head(const HttpHead&) {}

  // Hands on what the event says; may change its data. Not called again after another verdict than kGoesOn.
  virtual Verdict read(SseEvent& event, EventSink& sink) = 0;

  // Hands on what waited for the answer's end. The last call, where the answer is whole.
  virtual void finish(EventSink& sink) = 0;

  // Whether the answer is whole if the body ends here, or the connection.
  virtual bool may_end() const = 0;
  // Likewise, if the body came to the end that HTTP gives it, which is all that some APIs have.
  virtual bool may_end_with_body() const { return may_end(); }
  // Of an answer that is whole.
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
  bool ended_ = false;  // the sink was told, or does not want to know
  std::unique_ptr<HttpTransfer> transfer_;
};

}  // namespace streaming
