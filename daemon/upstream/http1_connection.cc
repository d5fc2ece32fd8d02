// SPDX-License-Identifier: Apache-2.0
#include "upstream/http1_connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "upstream/http1_pool.h"
#include "upstream/limits.h"

namespace streaming {

Http1Connection::Http1Connection(Handle handle, Http1Pool& pool, Origin& origin, Http1Environment& environment)
    : handle_(handle),
      pool_(pool),
      origin_(origin),
      environment_(environment),
      timer_(*this),
      flush_(*this),
      stream_(environment.transport.make_stream(*this, origin)) {
}

Http1Connection::~Http1Connection() {
  CHECK(transfer_ == nullptr);
}

// --- Opening --------------------------------------------------------------------------------------------------------

void Http1Connection::open_for(Http1Transfer& transfer) {
  transfer_ = &transfer;
  transfer.carried_by(this);
}

void Http1Connection::open(AddressList addresses) {
  environment_.transport.timers.schedule(timer_, kUpstreamConnectTimeout);
  stream_->open(std::move(addresses));
}

void Http1Connection::take_over(HttpTransport::Stream stream) {
  stream_ = std::move(stream);
  stream_->give_to(*this);
  become_idle();
}

void Http1Connection::on_open() {
  timer_.stop();
  state_ = State::kBusy;
  answer_.expect();
  flush_later();
}

void Http1Connection::carry(Http1Transfer& transfer) {
  CHECK(state_ == State::kIdle && transfer_ == nullptr);
  timer_.stop();
  state_ = State::kBusy;
  was_idle_ = true;
  transfer_ = &transfer;
  transfer.carried_by(this);
  answer_.expect();
  flush_later();
}

// --- Receiving ------------------------------------------------------------------------------------------------------

void Http1Connection::on_received_bytes(std::span<const char> bytes) {
  if (state_ == State::kIdle) return close();
  if (state_ != State::kBusy) return;
  if (transfer_ != nullptr && !begun_) return on_lost(ConnectionEnd::kClosed, "the upstream has sent something unasked");
  take({bytes.data(), bytes.size()});
}

void Http1Connection::take(std::string_view bytes) {
  std::vector<char>& joined = environment_.joined;
  if (!left_over_.empty()) {
    joined.assign(left_over_.begin(), left_over_.end());
    joined.insert(joined.end(), bytes.begin(), bytes.end());
    bytes = {joined.data(), joined.size()};
    left_over_ = std::string();
  }
  bytes.remove_prefix(hand_out(bytes));
  if (state_ != State::kBusy) return;
  left_over_ = bytes;
  if (held_back()) {
    if (!left_over_.empty()) stream_->stop_receiving();
  } else if (left_over_.size() > kMaxUpstreamHeadBytes) {
    fail("the upstream's answer has a line that is too long");
  }
}

std::size_t Http1Connection::hand_out(std::string_view bytes) {
  std::size_t size = 0;
  while (state_ == State::kBusy && !held_back()) {
    if (answer_.done()) {
      on_answer_end(size < bytes.size());
      return bytes.size();
    }
    if (size == bytes.size()) break;
    const Http1Answer::Piece piece = answer_.read(bytes.substr(size));
    size += piece.size;
    if (!piece.error.empty()) {
      fail("the upstream's answer cannot be read: " + piece.error);
    } else if (piece.head) {
      on_head();
    } else if (!piece.body.empty()) {
      on_body(piece.body);
    } else if (piece.incomplete) {
      break;
    }
  }
  return size;
}

void Http1Connection::on_head() {
  const std::unique_ptr<AnswerHead> head = answer_.take_head();
  if (transfer_ == nullptr) return;
  if (transfer_->follow_redirect(*head)) {
    const bool written = transfer_->body_written();
    Http1Transfer& transfer = *let_go();
    written ? finish_without_transfer() : close();
    return pool_.give_connection(transfer);
  }
  if (transfer_->body_written()) transfer_->forget_request();
  transfer_->on_head(*head);
}

void Http1Connection::on_body(std::string_view bytes) {
  if (transfer_ != nullptr && !transfer_->deaf()) return transfer_->on_body(bytes);
  dropped_bytes_ += bytes.size();
  if (dropped_bytes_ > kMaxUnreadBytes) fail("");
}

void Http1Connection::on_answer_end(bool more_follows) {
  const bool sent = transfer_ == nullptr || (begun_ && transfer_->body_written());
  const bool of_use = sent && !more_follows && lost_ == nullptr && answer_.keeps_connection();
  Http1Transfer* transfer = let_go();
  if (of_use) {
    become_idle();
  } else {
    leave();
  }
  if (transfer != nullptr) transfer->finish("");
}

void Http1Connection::on_resumed() {
  if (state_ != State::kBusy) return;
  take({});
  if (state_ != State::kBusy || held_back()) return;
  if (lost_ != nullptr) return on_bytes_end();
  stream_->go_on_receiving();
}

// --- Sending --------------------------------------------------------------------------------------------------------

void Http1Connection::on_work(Work&) {
  if (!flush()) return;
  CHECK(transfer_ == nullptr && !linked());
  environment_.connections.destroy(*this, handle_);
}

bool Http1Connection::flush() {
  if (state_ != State::kClosing && lost_ == nullptr && stream_->can_send()) {
    if (state_ == State::kBusy && transfer_ != nullptr) write_request();
    if (state_ != State::kClosing) stream_->flush();
    if (state_ == State::kLeaving && !stream_->sending()) close();
  }
  return state_ == State::kClosing && stream_->idle();
}

// A bounded part of it. The rest of a large body follows when this part is sent.
void Http1Connection::write_request() {
  if (!begun_) {
    Result<std::string> head = transfer_->request_head();
    if (!head) return fail(head.error().message);
    begun_ = true;
    // Head and body are one record, if they fit.
    const std::string_view body = transfer_->unsent_body();
    const std::size_t room = kTlsRecordBytes - std::min(head->size(), kTlsRecordBytes);
    const std::string_view first = body.substr(0, room);
    head->append(first);
    stream_->write(*head);
    transfer_->on_body_written(first.size());
  }
  while (stream_->written() < kUpstreamSendBytes && !transfer_->body_written()) {
    const std::string_view piece = transfer_->unsent_body().substr(0, kTlsRecordBytes);
    stream_->write(piece);
    transfer_->on_body_written(piece.size());
  }
  if (answer_.has_head() && transfer_->body_written()) transfer_->forget_request();
}

// --- Time -----------------------------------------------------------------------------------------------------------

void Http1Connection::on_timer(Timer&) {
  switch (state_) {
    case State::kOpening:
      return fail("the upstream took too long to connect");
    case State::kIdle:
      return leave();
    case State::kBusy:
    case State::kLeaving:
      return close();
    case State::kClosing:
      return;
  }
}

// --- The transfer ---------------------------------------------------------------------------------------------------

Http1Transfer* Http1Connection::let_go() {
  Http1Transfer* transfer = std::exchange(transfer_, nullptr);
  if (transfer != nullptr) transfer->carried_by(nullptr);
  return transfer;
}

void Http1Connection::on_transfer_gone(bool let_finish) {
  const bool written = begun_ && transfer_->body_written();
  transfer_ = nullptr;
  if (state_ == State::kBusy && !begun_) return become_idle();
  if (state_ == State::kBusy && let_finish && written) return finish_without_transfer();
  close();
}

// The rest of the answer is read and dropped.
void Http1Connection::finish_without_transfer() {
  finishing_ = true;
  ++environment_.finishing;
  stream_->go_on_receiving();
  environment_.transport.timers.schedule(timer_, kUnreadTimeout);
}

void Http1Connection::become_idle() {
  if (std::exchange(finishing_, false)) --environment_.finishing;
  state_ = State::kIdle;
  begun_ = false;
  dropped_bytes_ = 0;
  answer_.drop();
  stream_->go_on_receiving();
  environment_.transport.timers.schedule(timer_, kUpstreamIdleTimeout);
  pool_.on_idle(*this);
}

// --- The end --------------------------------------------------------------------------------------------------------

void Http1Connection::on_lost(ConnectionEnd cause, std::string_view error) {
  if (state_ == State::kOpening && cause == ConnectionEnd::kUnreachable) {
    environment_.transport.resolver.forget(origin_.host);
  }
  if (state_ != State::kBusy) return fail(error);
  stream_->close();
  lost_ = std::make_unique<std::string>(error);
  if (!held_back()) on_bytes_end();
}

// Nothing more comes, and all that came was handed out.
void Http1Connection::on_bytes_end() {
  if (stream_->ended() && answer_.end()) return on_answer_end(false);
  // A server may close a connection at any time between two requests.
  if (was_idle_ && !begun_ && !answer_.begun() && transfer_ != nullptr) {
    Http1Transfer& transfer = *let_go();
    close();
    return pool_.give_connection(transfer);
  }
  fail(answer_.has_head() ? *lost_ : *lost_ + " before its answer");
}

void Http1Connection::fail(std::string_view error) {
  const std::string reason(error);  // may be the stream's
  Http1Transfer* transfer = let_go();
  close();
  if (transfer != nullptr) transfer->finish(reason);
}

void Http1Connection::leave() {
  if (lost_ != nullptr) return close();
  if (state_ == State::kIdle) pool_.on_not_idle(*this);
  if (std::exchange(finishing_, false)) --environment_.finishing;
  state_ = State::kLeaving;
  stream_->say_goodbye();
  environment_.transport.timers.schedule(timer_, kUpstreamPingTimeout);
  flush_later();
}

void Http1Connection::close() {
  if (state_ == State::kClosing) return;
  CHECK(transfer_ == nullptr);
  if (state_ == State::kIdle) pool_.on_not_idle(*this);
  if (std::exchange(finishing_, false)) --environment_.finishing;
  state_ = State::kClosing;
  unlink();
  timer_.stop();
  left_over_ = std::string();
  answer_.drop();
  stream_->close();
  flush_later();
}

}  // namespace streaming
