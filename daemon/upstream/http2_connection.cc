// SPDX-License-Identifier: Apache-2.0
#include "upstream/http2_connection.h"

#include <algorithm>
#include <utility>

#include "upstream/connection_pool.h"
#include "upstream/limits.h"

namespace streaming {

Http2Connection::Http2Connection(Handle handle, ConnectionPool& pool, Origin& origin,
                                 ConnectionEnvironment& environment)
    : handle_(handle),
      pool_(pool),
      environment_(environment),
      timer_(*this),
      flush_(*this),
      connect_deadline_(environment.transport.timers.now() + kUpstreamConnectTimeout),
      last_heard_(environment.transport.timers.now()),
      idle_since_(environment.transport.timers.now()),
      stream_(environment.transport.make_stream(*this, origin)),
      session_(*this, environment.transport.timers) {
}

// --- Opening --------------------------------------------------------------------------------------------------------

void Http2Connection::open(AddressList addresses) {
  environment_.transport.timers.schedule_at(timer_, connect_deadline_);
  stream_->open(std::move(addresses));
}

void Http2Connection::on_open() {
  if (stream_->is_secure() && stream_->protocol() != "h2") {
    pool_.on_http1(stream_);
    return close(ConnectionEnd::kOnPurpose, "");
  }
  state_ = State::kOpen;
  pool_.on_room_changed(*this);
}

// --- Receiving ------------------------------------------------------------------------------------------------------

void Http2Connection::on_received_bytes(std::span<const char> bytes) {
  last_heard_ = environment_.transport.timers.now();
  pinged_ = false;
  if (const Status received = session_.receive(bytes); !received) {
    close(ConnectionEnd::kNoHttp2, received.error().message);
  }
}

void Http2Connection::on_settings() {
  allows_streams_ = allows_streams_ || session_.limit() > 0;
  pool_.on_room_changed(*this);
}

void Http2Connection::on_stream_closed() {
  if (session_.streams() == 0) idle_since_ = environment_.transport.timers.now();
  if (state_ == State::kClosing) return;
  flush_later();
  pool_.on_room_changed(*this);
}

void Http2Connection::on_first_answer() {
  answered_ = true;
  pool_.on_first_answer();
}

void Http2Connection::on_going_away(bool takes_some) {
  takes_some_ = takes_some;
  drain(takes_some ? ConnectionEnd::kOnPurpose : ConnectionEnd::kGoingAway, "the upstream takes no requests (GOAWAY)");
  flush_later();
}

// Stops using this connection, unless we only exceeded a limit that it announced later.
void Http2Connection::on_refused(Http2Stream& stream) {
  if (session_.streams() < session_.limit()) drain(ConnectionEnd::kRefused, "the upstream refuses requests unread");
  pool_.on_refused(stream, !takes_some_);
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
  CHECK(!linked());
  environment_.connections.destroy(*this, handle_);
}

bool Http2Connection::flush() {
  if (state_ == State::kDraining && session_.streams() == 0) leave();
  if (state_ == State::kClosing) return stream_ == nullptr || stream_->idle();
  if (!stream_->can_send()) return false;
  if (const std::optional<Time> deadline = session_.reset_unfinished()) schedule_check(*deadline);
  gather_output();
  stream_->flush();
  if (state_ == State::kLeaving && !stream_->sending()) close(ConnectionEnd::kOnPurpose, "");
  if (!opening() && state_ < State::kLeaving && !stream_->sending() && session_.over()) {
    close(ConnectionEnd::kNoHttp2, "the upstream breaks the rules of HTTP/2");
  }
  return state_ == State::kClosing && stream_->idle();
}

// Takes a bounded part of the output. The rest of a large body follows when this part is sent.
void Http2Connection::gather_output() {
  std::vector<char>& frames = environment_.frames;
  while (!opening() && stream_->written() < kUpstreamSendBytes) {
    frames.clear();
    while (frames.size() < kTlsRecordBytes) {
      const std::string_view output = session_.next_output();
      if (output.empty()) break;
      frames.insert(frames.end(), output.begin(), output.end());
    }
    if (frames.empty()) break;
    stream_->write(frames);
  }
  if (state_ == State::kLeaving) stream_->say_goodbye();
}

// --- Time -----------------------------------------------------------------------------------------------------------

void Http2Connection::schedule_check(Time at) {
  if (!timer_.pending() || at < timer_.expiry()) environment_.transport.timers.schedule_at(timer_, at);
}

void Http2Connection::on_timer(Timer&) {
  switch (state_) {
    case State::kOpening:
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
  const Time now = environment_.transport.timers.now();
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
  environment_.transport.timers.schedule(timer_, kUpstreamPingTimeout);
}

void Http2Connection::close(ConnectionEnd cause, std::string_view error) {
  const State before = std::exchange(state_, State::kClosing);
  const std::string reason(error);
  timer_.stop();
  if (before != State::kLeaving) pool_.on_closing(*this, cause, reason);
  session_.fail_streams(reason);
  if (stream_ != nullptr) stream_->close();
  flush_later();
}

}  // namespace streaming
