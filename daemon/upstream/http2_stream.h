// SPDX-License-Identifier: Apache-2.0
// Http2Stream: one request and its answer.
//
// Belongs to the backend session that started it, as its HttpTransfer. Links into the list of those that wait for a
// connection, or of those that an Http2Session carries. The request is kept until the answer's head is there, since a
// server may refuse it unread. Any call to the receiver may destroy the stream.

#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "ring/timer_wheel.h"
#include "upstream/answer_head.h"
#include "upstream/http_client.h"

namespace streaming {

class ConnectionPool;
class Http2Session;

class Http2Stream final : public HttpTransfer, public ListNode, private WorkOwner {
 public:
  // Borrows all but the request; the pool and the timers outlive it.
  Http2Stream(HttpRequest request, HttpReceiver& receiver, ConnectionPool& pool, TimerWheel& timers);
  ~Http2Stream() override;

  void pause() override;
  void resume() override;
  void let_finish() override;

  const HttpRequest& request() const { return *request_; }
  // The next piece of the request's body, at most as long as `room`; then body_sent() tells whether it was the last.
  std::size_t read_body(std::span<char> room);
  bool body_sent() const { return request_ == nullptr || body_sent_ == request_->body.size(); }

  // A session carries it, or no longer does.
  void carried_by(Http2Session* session, std::int32_t id);
  Http2Session* session() const { return session_; }
  std::int32_t id() const { return id_; }
  void set_waiting(bool waiting) { waiting_ = waiting; }

  // How often servers have refused it, this time included.
  int count_refusal() { return ++refusals_; }
  // Whether the server may have begun with it.
  bool head_written() const { return head_written_; }
  void set_head_written() { head_written_ = true; }

  // What the session reads. False when the head is too large.
  bool on_header(std::string_view name, std::string_view value);
  void on_head_complete();
  void on_end() { ended_ = true; }
  bool head_complete() const { return head_told_; }
  bool ended() const { return ended_; }
  // Whether on_body() hands out at once what it is given; else it is kept, and not to be acknowledged to the server.
  bool takes_body() const { return !paused_ && held_back_.empty(); }
  void on_body(std::string_view bytes);
  // The session has let go of it. `error` is empty after a whole answer.
  void on_closed(std::string_view error);

  // Tells the receiver, but not from within this call.
  void fail_soon(std::string_view error);

  // By HTTP/1.1 from the beginning.
  void start_over_at(HttpClient& http1);

 private:
  void on_work(Work& work) override;
  void hand_out_held_back();
  bool outlives_body(std::string_view bytes);
  bool follow_redirect(const AnswerHead& head);

  std::unique_ptr<HttpRequest> request_;
  HttpReceiver* receiver_;  // null: nobody is told any more
  ConnectionPool& pool_;
  TimerWheel& timers_;
  Work resumed_;  // what was held back can be handed out
  Http2Session* session_ = nullptr;
  std::unique_ptr<HttpTransfer> elsewhere_;  // it was started over there
  std::unique_ptr<AnswerHead> head_;         // while its lines come
  std::size_t body_sent_ = 0;
  Buffer held_back_;                    // what came while it was paused; the server's window bounds it
  std::unique_ptr<std::string> error_;  // it is over, but held_back_ goes first
  bool* destroyed_ = nullptr;           // while the receiver is called
  std::int32_t id_ = 0;
  std::uint8_t refusals_ = 0;
  std::uint8_t redirects_ = 0;
  bool waiting_ = false;  // in the pool
  bool head_written_ = false;
  bool head_told_ = false;
  bool ended_ = false;
  bool paused_ = false;
  bool let_finish_ = false;
};

static_assert(sizeof(Http2Stream) <= 168);

}  // namespace streaming
