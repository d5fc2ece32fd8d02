// SPDX-License-Identifier: Apache-2.0
#include "upstream/http2_stream.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "upstream/connection_pool.h"
#include "upstream/http2_session.h"
#include "upstream/limits.h"
#include "upstream/redirect.h"

namespace streaming {

Http2Stream::Http2Stream(HttpRequest request, HttpReceiver& receiver, ConnectionPool& pool, TimerWheel& timers)
    : request_(std::make_unique<HttpRequest>(std::move(request))),
      receiver_(&receiver),
      pool_(pool),
      timers_(timers),
      resumed_(*this) {
}

Http2Stream::~Http2Stream() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  if (waiting_) pool_.on_left(*this);
  if (session_ == nullptr) return;
  if (let_finish_ && takes_body()) {
    session_->drop_rest(*this);
  } else {
    session_->cancel(*this);
  }
}

void Http2Stream::pause() {
  paused_ = true;
  if (elsewhere_ != nullptr) elsewhere_->pause();
}

void Http2Stream::resume() {
  paused_ = false;
  if (elsewhere_ != nullptr) return elsewhere_->resume();
  if (!held_back_.empty() || error_ != nullptr) timers_.soon(resumed_);
}

void Http2Stream::let_finish() {
  receiver_ = nullptr;
  let_finish_ = true;
  if (elsewhere_ != nullptr) elsewhere_->let_finish();
}

std::size_t Http2Stream::read_body(std::span<char> room) {
  CHECK(request_ != nullptr && body_sent_ <= request_->body.size());
  const std::size_t count = std::min(room.size(), request_->body.size() - body_sent_);
  std::memcpy(room.data(), request_->body.data() + body_sent_, count);
  body_sent_ += count;
  return count;
}

void Http2Stream::carried_by(Http2Session* session, std::int32_t id) {
  session_ = session;
  id_ = id;
  if (session == nullptr) return;
  head_.reset();
  body_sent_ = 0;
  head_written_ = false;
}

bool Http2Stream::on_header(std::string_view name, std::string_view value) {
  if (head_told_) return true;  // a trailer
  if (head_ == nullptr) head_ = std::make_unique<AnswerHead>();
  if (name == ":status") std::from_chars(value.data(), value.data() + value.size(), head_->status);
  return head_->add(name, value);
}

void Http2Stream::on_head_complete() {
  const std::unique_ptr<AnswerHead> head = std::move(head_);
  constexpr int kFirstFinalStatus = 200;
  if (head_told_ || head == nullptr || head->status < kFirstFinalStatus || follow_redirect(*head)) return;
  head_told_ = true;
  if (body_sent()) request_.reset();
  if (receiver_ == nullptr) return;
  receiver_->on_head(head->view());
}

// The receiver does not get the redirecting answer.
bool Http2Stream::follow_redirect(const AnswerHead& head) {
  if (receiver_ == nullptr || redirects_ == kMaxRedirects) return false;
  std::optional<std::string> target = redirect_target(request_->url, head.status, head.location);
  if (!target) return false;
  ++redirects_;
  request_->url = std::move(*target);
  session_->drop_rest(*this);
  refusals_ = 0;
  ended_ = false;
  pool_.on_redirected(*this);
  return true;
}

void Http2Stream::on_body(std::string_view bytes) {
  if (!takes_body()) return held_back_.append(bytes);
  if (receiver_ != nullptr) receiver_->on_body(bytes);
}

void Http2Stream::on_closed(std::string_view error) {
  if (!takes_body()) {
    error_ = std::make_unique<std::string>(error);
    return;
  }
  if (receiver_ != nullptr) std::exchange(receiver_, nullptr)->on_finished(error);
}

void Http2Stream::fail_soon(std::string_view error) {
  error_ = std::make_unique<std::string>(error);
  timers_.soon(resumed_);
}

void Http2Stream::on_work(Work&) {
  if (!paused_) hand_out_held_back();
}

// Hands it to the receiver. False if that has destroyed the stream. The flag is on the heap because GCC 12 takes the address
// of a local variable for one that stays (-Wdangling-pointer).
bool Http2Stream::outlives_body(std::string_view bytes) {
  const auto destroyed = std::make_unique<bool>(false);
  destroyed_ = destroyed.get();
  receiver_->on_body(bytes);
  if (!*destroyed) destroyed_ = nullptr;
  return !*destroyed;
}

void Http2Stream::hand_out_held_back() {
  const Buffer bytes = std::move(held_back_);
  if (session_ != nullptr) session_->acknowledge(*this, bytes.size());
  if (receiver_ != nullptr && !bytes.empty() && !outlives_body(bytes.view())) return;
  if (error_ == nullptr || !takes_body()) return;
  const std::unique_ptr<std::string> error = std::move(error_);
  on_closed(*error);
}

void Http2Stream::start_over_at(HttpClient& http1) {
  if (receiver_ == nullptr) return;
  elsewhere_ = http1.start(std::move(*request_), *receiver_);
  if (paused_) elsewhere_->pause();
}

}  // namespace streaming
