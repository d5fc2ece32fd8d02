// SPDX-License-Identifier: Apache-2.0
#include "upstream/http2_connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "upstream/connection_pool.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

// A transient kernel shortage, which does not concern the connection: retry.
bool passes(std::int32_t result) {
  return result == -ENOMEM || result == -ENOBUFS || result == -EAGAIN || result == -EINTR;
}

}  // namespace

Http2Connection::Http2Connection(Handle handle, ConnectionPool& pool, Origin& origin,
                                 ConnectionEnvironment& environment)
    : handle_(handle),
      pool_(pool),
      origin_(origin),
      environment_(environment),
      timer_(*this),
      flush_(*this),
      connect_deadline_(environment.timers.now() + kUpstreamConnectTimeout),
      last_heard_(environment.timers.now()),
      idle_since_(environment.timers.now()),
      race_(*this, environment.connects),
      session_(*this, environment.timers) {
}

// --- Opening --------------------------------------------------------------------------------------------------------

void Http2Connection::open(AddressList addresses) {
  environment_.timers.schedule_at(timer_, connect_deadline_);
  race_.start(std::move(addresses));
}

void Http2Connection::on_not_connected(const std::string& error) {
  close(ConnectionEnd::kUnreachable, error);
}

void Http2Connection::on_connected(UniqueFd socket) {
  socket_ = std::move(socket);
  receiving_ = true;
  environment_.ring.submit_receive_stream(RingFile::regular(socket_.get()), tag(Operation::kUpstreamReceive));
  state_ = State::kHandshaking;
  if (origin_.tls == nullptr) {
    state_ = State::kOpen;
    return pool_.on_room_changed(*this);
  }
  tls_.emplace(*origin_.tls, origin_.resumable, origin_.host, gathered_);
  handshake();
}

void Http2Connection::handshake() {
  flush_later();
  switch (tls_->handshake()) {
    case TlsSession::Outcome::kWantsMore:
      return;
    case TlsSession::Outcome::kDone:
      break;
    case TlsSession::Outcome::kEnded:
      return close(ConnectionEnd::kTlsFailed, "the upstream ended the connection in the midst of the TLS handshake");
    case TlsSession::Outcome::kFailed:
      return close(ConnectionEnd::kTlsFailed, tls_->error());
  }
  if (tls_->protocol() != "h2") {
    pool_.on_http1();
    return close(ConnectionEnd::kOnPurpose, "");
  }
  state_ = State::kOpen;
  pool_.on_room_changed(*this);
}

// --- Receiving ------------------------------------------------------------------------------------------------------

void Http2Connection::on_received(const Completion& completion) {
  CHECK(receiving_);
  receiving_ = completion.more;
  if (state_ == State::kClosing) return flush_later();
  if (completion.result > 0) {
    last_heard_ = environment_.timers.now();
    pinged_ = false;
    on_bytes(completion.buffer);
  } else if (completion.result == 0) {
    return close(ConnectionEnd::kClosed, "the upstream closed the connection");
  } else if (!passes(completion.result)) {
    return close(ConnectionEnd::kClosed,
                 Error::from_errno("the connection to the upstream is lost", -completion.result).message);
  }
  if (receiving_ || state_ == State::kClosing) return;
  receiving_ = true;
  environment_.ring.submit_receive_stream(RingFile::regular(socket_.get()), tag(Operation::kUpstreamReceive));
}

void Http2Connection::on_bytes(std::span<const char> bytes) {
  flush_later();
  if (!tls_) return receive(bytes);
  tls_->feed(bytes);
  if (state_ == State::kHandshaking) handshake();
  if (!opening() && state_ != State::kClosing) read_records();
}

void Http2Connection::read_records() {
  std::span<const char> plaintext;
  for (;;) {
    switch (tls_->read(environment_.plaintext, plaintext)) {
      case TlsSession::Outcome::kDone:
        receive(plaintext);
        if (state_ == State::kClosing) return;
        break;
      case TlsSession::Outcome::kWantsMore:
        return;
      case TlsSession::Outcome::kEnded:
        return close(ConnectionEnd::kClosed, "the upstream closed the connection");
      case TlsSession::Outcome::kFailed:
        return close(ConnectionEnd::kTlsFailed, tls_->error());
    }
  }
}

void Http2Connection::receive(std::span<const char> bytes) {
  if (const Status received = session_.receive(bytes); !received) {
    close(ConnectionEnd::kNoHttp2, received.error().message);
  }
}

void Http2Connection::on_settings() {
  allows_streams_ = allows_streams_ || session_.limit() > 0;
  pool_.on_room_changed(*this);
}

void Http2Connection::on_stream_closed() {
  if (session_.streams() == 0) idle_since_ = environment_.timers.now();
  if (state_ == State::kClosing) return;
  flush_later();
  pool_.on_room_changed(*this);
}

void Http2Connection::on_first_answer() {
  answered_ = true;
  pool_.on_first_answer();
}

void Http2Connection::on_going_away(bool takes_some) {
  drain(takes_some ? ConnectionEnd::kOnPurpose : ConnectionEnd::kGoingAway, "the upstream takes no requests (GOAWAY)");
  flush_later();
}

// Stops using this connection, unless we only exceeded a limit that it announced later.
void Http2Connection::on_refused(Http2Stream& stream) {
  if (session_.streams() < session_.limit()) drain(ConnectionEnd::kRefused, "the upstream refuses requests unread");
  pool_.on_refused(stream);
}

void Http2Connection::on_http1_required(Http2Stream& stream) {
  pool_.on_http1_required(stream);
}

void Http2Connection::drain(ConnectionEnd cause, std::string_view reason) {
  if (state_ != State::kOpen) return;
  state_ = State::kDraining;
  pool_.on_draining(*this, cause, reason);
}

// --- Sending --------------------------------------------------------------------------------------------------------

void Http2Connection::on_work(Work&) {
  if (!flush()) return;
  CHECK(!linked() && !receiving_ && !sending_ && !polling_);
  environment_.connections.destroy(*this, handle_);
}

bool Http2Connection::flush() {
  if (state_ == State::kDraining && session_.streams() == 0) leave();
  if (state_ == State::kClosing) return !receiving_ && !sending_ && !polling_;
  if (state_ == State::kConnecting || sending_ || polling_) return false;
  if (const std::optional<Time> deadline = session_.reset_unfinished()) schedule_check(*deadline);
  if (gather_output()) submit_send();
  if (state_ == State::kLeaving && !sending_) close(ConnectionEnd::kOnPurpose, "");
  if (!opening() && state_ < State::kLeaving && !sending_ && session_.over()) {
    close(ConnectionEnd::kNoHttp2, "the upstream breaks the rules of HTTP/2");
  }
  return state_ == State::kClosing && !receiving_ && !sending_;
}

// Takes a bounded part of the output. The rest of a large body follows when this part is sent.
bool Http2Connection::gather_output() {
  std::vector<char>& frames = environment_.frames;
  while (!opening() && gathered_.size() < kUpstreamSendBytes) {
    frames.clear();
    while (frames.size() < kTlsRecordBytes) {
      const std::string_view output = session_.next_output();
      if (output.empty()) break;
      frames.insert(frames.end(), output.begin(), output.end());
    }
    if (frames.empty()) break;
    if (tls_) {
      tls_->write(frames);
    } else {
      gathered_.append({frames.data(), frames.size()});
    }
  }
  if (state_ == State::kLeaving && tls_) tls_->say_goodbye();
  if (gathered_.empty()) return false;
  in_flight_ = std::move(gathered_);
  sent_ = 0;
  return true;
}

void Http2Connection::submit_send() {
  CHECK(!sending_ && !polling_ && sent_ < in_flight_.size());
  sending_ = true;
  environment_.ring.submit_send(RingFile::regular(socket_.get()), in_flight_.view().substr(sent_),
                                tag(Operation::kUpstreamSend));
}

void Http2Connection::on_sent(const Completion& completion) {
  CHECK(std::exchange(sending_, false));
  if (state_ == State::kClosing) return flush_later();
  if (passes(completion.result)) {
    polling_ = true;
    environment_.ring.submit_poll(RingFile::regular(socket_.get()), POLLOUT, tag(Operation::kUpstreamWritable));
    return;
  }
  if (completion.result < 0) {
    return close(ConnectionEnd::kClosed,
                 Error::from_errno("the connection to the upstream is lost", -completion.result).message);
  }
  sent_ += static_cast<std::size_t>(completion.result);
  CHECK(sent_ <= in_flight_.size());
  if (sent_ < in_flight_.size()) return submit_send();
  in_flight_.reset();
  flush_later();
}

void Http2Connection::on_writable(const Completion&) {
  CHECK(std::exchange(polling_, false));
  if (state_ == State::kClosing) return flush_later();
  submit_send();
}

// --- Time -----------------------------------------------------------------------------------------------------------

void Http2Connection::schedule_check(Time at) {
  if (!timer_.pending() || at < timer_.expiry()) environment_.timers.schedule_at(timer_, at);
}

void Http2Connection::on_timer(Timer&) {
  switch (state_) {
    case State::kConnecting:
    case State::kHandshaking:
      return close(ConnectionEnd::kUnreachable, "the upstream took too long to connect");
    case State::kOpen:
    case State::kDraining:
      return look_after_silence();
    case State::kLeaving:
      return close(ConnectionEnd::kOnPurpose, "");
    case State::kClosing:
      return;
  }
}

void Http2Connection::look_after_silence() {
  const Time now = environment_.timers.now();
  const bool idle = session_.streams() == 0;
  if (!limit() && now >= connect_deadline_) {
    if (session_.stated_limit()) return close(ConnectionEnd::kNoStreams, "the upstream allows no streams");
    return close(ConnectionEnd::kNoHttp2, "the upstream does not begin to speak HTTP/2");
  }
  if (idle && now >= idle_since_ + kUpstreamIdleTimeout) return leave();
  if (pinged_ && now >= pinged_at_ + kUpstreamPingTimeout) {
    return close(ConnectionEnd::kSilent, "the upstream does not answer a ping");
  }
  if (!pinged_ && now >= last_heard_ + kUpstreamPingInterval) {
    pinged_ = true;
    pinged_at_ = now;
    session_.ping();
  }
  Time next = pinged_ ? pinged_at_ + kUpstreamPingTimeout : last_heard_ + kUpstreamPingInterval;
  if (!limit()) next = std::min(next, connect_deadline_);
  if (idle) next = std::min(next, idle_since_ + kUpstreamIdleTimeout);
  schedule_check(next);
  flush_later();  // also resets what has not ended in time
}

// --- Closing --------------------------------------------------------------------------------------------------------

void Http2Connection::leave() {
  state_ = State::kLeaving;
  pool_.on_closing(*this, ConnectionEnd::kOnPurpose, "");
  session_.say_goodbye();
  environment_.timers.schedule(timer_, kUpstreamPingTimeout);
}

void Http2Connection::close(ConnectionEnd cause, std::string_view error) {
  const State before = std::exchange(state_, State::kClosing);
  const std::string reason(error);
  timer_.stop();
  if (before != State::kLeaving) pool_.on_closing(*this, cause, reason);
  session_.fail_streams(reason);
  race_.stop();
  if (receiving_) environment_.ring.submit_cancel(tag(Operation::kUpstreamReceive));
  if (polling_) environment_.ring.submit_cancel(tag(Operation::kUpstreamWritable));
  flush_later();
}

}  // namespace streaming
