// SPDX-License-Identifier: Apache-2.0
// Http1Transfer: one request over HTTP/1.1, and who gets its answer.
//
// Belongs to the backend session that started it, as its HttpTransfer; borrowed by the Http1Connection that carries it.
// The request is kept until it is sent and the answer's head is there, because a redirect repeats it. Any call to the
// receiver may destroy the transfer.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ring/timer_wheel.h"
#include "upstream/answer_head.h"
#include "upstream/http_client.h"

namespace streaming {

class Http1Connection;

class Http1Transfer final : public HttpTransfer, private WorkOwner {
 public:
  // Borrows all but the request.
  Http1Transfer(HttpRequest request, HttpReceiver& receiver, TimerWheel& timers);
  ~Http1Transfer() override;

  void pause() override { paused_ = true; }
  void resume() override;
  void let_finish() override;

  // A connection carries it, or none does any more.
  void carried_by(Http1Connection* connection);

  // The request's head. An Error if that would not be one head.
  Result<std::string> request_head() const;
  // What is still to be sent of the request's body.
  std::string_view unsent_body() const;
  void on_body_written(std::size_t bytes) { body_sent_ += bytes; }
  // Whether the request is sent whole, as soon as its head is.
  bool body_written() const { return request_ == nullptr || body_sent_ == request_->body.size(); }

  bool paused() const { return paused_; }
  // Whether nobody is told of the answer any more.
  bool deaf() const { return receiver_ == nullptr; }

  // True if the answer redirects the request, which is to be sent again then.
  bool follow_redirect(const AnswerHead& head);
  // What is not needed after an answer's head is freed.
  void forget_request() { request_.reset(); }
  void on_head(const AnswerHead& head);
  void on_body(std::string_view bytes);
  // The last call. `error` is empty after a whole answer.
  void finish(std::string_view error);
  // Tells the receiver, but not from within this call.
  void fail_soon(std::string error);

 private:
  void on_work(Work& work) override;

  std::unique_ptr<HttpRequest> request_;
  HttpReceiver* receiver_;
  TimerWheel& timers_;
  Work resumed_;  // what was held back can be handed out, or error_
  Http1Connection* connection_ = nullptr;
  std::size_t body_sent_ = 0;
  std::unique_ptr<std::string> error_;  // of a request that was never sent
  std::uint8_t redirects_ = 0;
  bool paused_ = false;
  bool let_finish_ = false;
};

static_assert(sizeof(Http1Transfer) <= 96);

}  // namespace streaming
