// SPDX-License-Identifier: Apache-2.0
// How a stream ends: by the client, or by itself.

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "stream/limits.h"
#include "stream/stream.h"
#include "stream/stream_table.h"

namespace streaming {
namespace {

constexpr short kClientGoneEvents = POLLRDHUP | POLLHUP | POLLERR;

}  // namespace

// --- The client's side ----------------------------------------------------------------------------------------------

void Stream::begin_watch() {
  if (connection_) return act_on(connection_->received());
  submit_watch(POLLIN | POLLRDHUP);
}

void Stream::submit_watch(short events) {
  begin(kWatch);
  table_.ring().submit_poll(client_, events, tag(Operation::kClientWatch));
}

void Stream::on_watch(const Completion& completion) {
  completed(kWatch);
  if (state_ == StreamState::kClosing) return close_when_idle();
  // Cancelled by submit_drain(), or the kernel had no memory. Only a watch reports that the client leaves.
  if (completion.result == -ECANCELED || completion.result == -ENOMEM) return submit_watch(POLLIN | POLLRDHUP);
  if (completion.result < 0) return on_client_gone(CloseCause::kClientGone);
  // A receive reports which error it is.
  if ((completion.result & POLLERR) != 0) return drain();
  if ((completion.result & kClientGoneEvents) != 0) return on_client_gone(CloseCause::kClientGone);
  if (shut_down()) return drain();
  if (connection_ && !client_talks_) return table_.receive_when_possible(*this);
  // What a client sends behind its request is not read while we stream; it is drained at the end.
  client_talks_ = true;
  submit_watch(POLLRDHUP);
}

bool Stream::submit_receive() {
  if (state_ == StreamState::kClosing || client_gone_) return false;
  begin(kReceive);
  table_.ring().submit_receive_available(client_, tag(Operation::kClientReceive));
  return true;
}

void Stream::on_received(const Completion& completion) {
  completed(kReceive);
  table_.received();
  if (state_ == StreamState::kClosing) return close_when_idle();
  if (client_gone_) return;
  if (completion.result == -ENOBUFS) return table_.receive_when_possible(*this);
  if (completion.result > 0 && !shut_down()) return take_input(completion.buffer);
  on_input(completion.result);
}

// Over TLS nobody wants what is in the records, but only an open one shows that it is a close_notify or a KeyUpdate.
void Stream::take_input(std::span<char> bytes) {
  // HTTP/2 has a limit of its own: a long answer takes many frames from the client.
  if (!is_http2(transport_)) count_received(static_cast<std::int32_t>(bytes.size()));
  const std::size_t incomplete_bytes = connection_->incomplete_bytes();
  const ClientConnection::Received received = connection_->receive(table_.tls_ciphers(), bytes);
  table_.count_incomplete_record(incomplete_bytes, connection_->incomplete_bytes());
  act_on(received);
}

void Stream::act_on(ClientConnection::Received received) {
  using Received = ClientConnection::Received;
  if (received == Received::kClosed) return on_client_gone(CloseCause::kClientGone);
  const bool malformed = received == Received::kMalformed;
  client_talks_ = malformed || has_received_too_much();
  if (client_talks_) drop_incomplete_record();
  submit_watch(client_talks_ ? POLLRDHUP : POLLIN | POLLRDHUP);
  if (malformed && (ended() || goes_on_)) return on_client_gone(CloseCause::kClientMalformed);
  if (malformed) return begin_close(CloseCause::kClientMalformed);
  send_wanted_head();
  if (received == Received::kCancelled) on_cancelled();
  if (connection_->has_to_reply() || blocked_) mark_for_flush();
}

// The connection goes on for a moment, and a backend that goes on has nobody to tell.
void Stream::on_cancelled() {
  if (ended() && !writer_.empty()) cause_ = CloseCause::kClientGone;
  if (!goes_on_) begin_close(CloseCause::kClientGone);
}

void Stream::send_wanted_head() {
  if (!head_held_ || !connection_->wants_head()) return;
  head_held_ = false;
  arm_wait();
  mark_for_flush();
}

void Stream::drop_incomplete_record() {
  table_.count_incomplete_record(connection_->incomplete_bytes(), 0);
  connection_->drop_incomplete();
}

bool Stream::has_received_too_much() const {
  const bool keeps_too_much =
      connection_->incomplete_bytes() > 0 && table_.incomplete_record_bytes() > kMaxIncompleteRecordBytes;
  return keeps_too_much || received_kb_ >= kMaxReceivedKb;
}

void Stream::count_received(std::int32_t bytes) {
  received_kb_ = static_cast<std::uint16_t>(received_kb_ + (bytes + 1023) / 1024);
}

void Stream::on_client_gone(CloseCause cause) {
  if (ended() || !goes_on_) return abandon(cause);
  client_gone_ = true;
  blocked_ = false;
  if (!writer_.sending()) writer_.drop();
  if (paused_) session_->resume();
  paused_ = false;
  restart_wait();
}

// The client has not closed. The kernel knows whether the answer has reached it.
void Stream::submit_count_unacknowledged() {
  if ((in_flight_ & kUnacknowledged) != 0) return;
  begin(kUnacknowledged);
  table_.ring().submit_count_unacknowledged(client_, tag(Operation::kClientUnacknowledged));
}

// Closing now would leave the rest to the kernel, which gives up sooner than we do and does not report it.
void Stream::on_unacknowledged(const Completion& completion) {
  completed(kUnacknowledged);
  if (state_ == StreamState::kClosing) return close_when_idle();
  const bool unknown = completion.result < 0;
  if (completion.result == 0 || (unknown && client_gone_)) return abandon(cause_);
  const Time now = table_.timers().now();
  const auto timed_out = [&] { return now >= waiting_since_ + table_.settings().write_timeout; };
  if (client_gone_ && timed_out()) return lose_client(CloseCause::kWriteTimeout);
  if (client_gone_ && connection_ && completion.result <= kUnacknowledgedAtReset) return abandon(cause_);
  if (client_gone_) return lose_client(CloseCause::kClientGone);
  if (!unknown) {
    const auto left_kb = static_cast<std::uint16_t>(std::min(completion.result / 1024 + 1, UINT16_MAX));
    if (left_kb < unacknowledged_kb_) waiting_since_ = now;
    unacknowledged_kb_ = left_kb;
  }
  if (table_.closing() || timed_out()) return lose_client(CloseCause::kWriteTimeout);
  table_.timers().schedule(wait_, std::min(kDrainTimeout, table_.settings().write_timeout));
}

void Stream::lose_client(CloseCause cause) {
  cause_ = cause;
  abandon(cause);
}

void Stream::part() {
  if (parting_ == Parting::kNotYet && is_http2(transport_) && cause_ != CloseCause::kClientMalformed) {
    parting_ = Parting::kClientCloses;
    restart_wait();
  } else if (parting_ == Parting::kNotYet || parting_ == Parting::kWeClose) {
    begin_drain();
  }
}

void Stream::begin_drain() {
  const bool waits_anew = parting_ == Parting::kNotYet;  // the client's turn is a part of the wait
  parting_ = Parting::kShutDown;
  begin(kShutdown);
  if (waits_anew) waiting_since_ = table_.timers().now();
  arm_wait();
  table_.ring().submit_shutdown_write(client_, tag(Operation::kClientShutdown));
}

// The client may still be sending. Closing with bytes unread resets the connection, and the answer's end with it: so
// they are read until the client closes, and no longer than kDrainTimeout and kMaxReceivedKb allow.
void Stream::on_shutdown(const Completion& completion) {
  completed(kShutdown);
  if (state_ == StreamState::kClosing) return close_when_idle();
  if (completion.result < 0) return on_client_broken(CloseCause::kClientGone);
  if (client_talks_) drain();
}

void Stream::drain() {
  if ((in_flight_ & kDrain) == 0) submit_drain();
}

void Stream::submit_drain() {
  begin(kDrain);
  table_.ring().submit_receive(client_, table_.discarded_bytes(), tag(Operation::kClientDrain));
}

void Stream::on_drained(const Completion& completion) {
  completed(kDrain);
  if (state_ == StreamState::kClosing) return close_when_idle();
  on_input(completion.result);
}

// Of a receive whose bytes are dropped.
void Stream::on_input(std::int32_t result) {
  if (result > 0) {
    count_received(result);
    return received_kb_ < kMaxReceivedKb ? drain() : on_client_broken(CloseCause::kClientGone);
  }
  if (result == 0) return on_client_gone(CloseCause::kClientGone);
  if (result != -EAGAIN) {
    return on_client_broken(result == -ETIMEDOUT ? CloseCause::kWriteTimeout : CloseCause::kClientGone);
  }
  if ((in_flight_ & kWatch) == 0) return submit_watch(POLLIN | POLLRDHUP);
  // The watch in flight does not look for bytes; its cancellation starts one that does.
  table_.ring().submit_cancel(tag(Operation::kClientWatch));
}

// Nothing more can come from the client. If all was sent, it may have received that nevertheless.
void Stream::on_client_broken(CloseCause cause) {
  if (parting_ == Parting::kNotYet) return on_client_gone(cause);
  client_gone_ = true;
  // The kernel has already waited that long.
  if (cause == CloseCause::kWriteTimeout) waiting_since_ -= table_.settings().write_timeout;
  submit_count_unacknowledged();
}

// --- Ending ---------------------------------------------------------------------------------------------------------

void Stream::begin_close(CloseCause cause, int upstream_status, int retry_after_seconds, std::string_view words) {
  if (ended()) return;
  if (session_) session_->on_answer_end(cause);
  if (client_gone_) return abandon(CloseCause::kClientGone);
  // Whatever ends a stream whose client has cancelled it.
  if (connection_ && connection_->received() == ClientConnection::Received::kCancelled) cause = CloseCause::kClientGone;
  cause_ = cause;
  if (session_) session_->cancel();
  lifetime_.stop();
  ClientError error = client_error(cause, upstream_status);
  error.retry_after_seconds = retry_after_seconds;
  if (!words.empty()) error.message = words;
  if (!error.message.empty() && !encoder_.is_verbatim()) {
    if (nothing_sent() && !table_.settings().early_head) {
      writer_.drop_text();
      status_ = static_cast<std::uint16_t>(answer_status(cause, upstream_status));
      append_error_response(writer_.queue(), {status_, error}, table_.date());
    } else {
      encoder_.append_error(writer_.queue(), error, cause == CloseCause::kUpstreamReported);
    }
  }
  if (cause != CloseCause::kClientMalformed) writer_.end_chunks();  // otherwise the answer breaks off
  head_held_ = false;
  move_to(StreamState::kDraining);
  restart_wait();
  mark_for_flush();
}

void Stream::abandon(CloseCause cause) {
  if (state_ == StreamState::kClosing) return;
  // A complete answer keeps its cause, however the client leaves afterwards.
  const bool is_sent = ended() && (writer_.empty() || parting_ != Parting::kNotYet);
  if (!is_sent) cause_ = cause;
  if (session_) {
    session_->on_answer_end(cause_);
    session_->cancel();
  }
  lifetime_.stop();
  wait_.stop();
  unlink();
  move_to(StreamState::kClosing);
  // A send and a receive never wait, and a shutdown cannot be cancelled: they complete by themselves.
  if ((in_flight_ & kWritable) != 0) table_.ring().submit_cancel(tag(Operation::kClientWritable));
  if ((in_flight_ & kWatch) != 0) table_.ring().submit_cancel(tag(Operation::kClientWatch));
  close_when_idle();
}

void Stream::close_when_idle() {
  if (in_flight_ != 0) return;
  begin(kClose);
  table_.ring().submit_close(client_, tag(Operation::kClientClose));
}

void Stream::on_closed(const Completion& completion) {
  completed(kClose);
  if (completion.result == -ENOMEM) return close_when_idle();
  finish_close();
}

void Stream::finish_close() {
  CHECK(in_flight_ == 0 && !writer_.sending());
  CHECK(!linked() && !wait_.pending() && !lifetime_.pending());
  if (connection_) drop_incomplete_record();
  if (session_) session_->on_stream_end(client_has_end(cause_));
  move_to(StreamState::kFree);
  table_.release(*this);
}

}  // namespace streaming
