// SPDX-License-Identifier: Apache-2.0
#include "stream/stream.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "base/random_id.h"
#include "base/utf8.h"
#include "stream/limits.h"
#include "stream/stream_table.h"

namespace streaming {
namespace {

// What the client may call this answer by.
std::string message_id(const HandoffRequest& request) {
  return request.request_id.empty() ? random_id() : std::string(request.request_id);
}

}  // namespace

Stream::Stream(Handle handle, StreamTable& table)
    : handle_(handle),
      table_(table),
      wait_(*this),
      waiting_since_(table.timers().now()),
      quiet_since_(waiting_since_),
      lifetime_(*this),
      opened_(table.timers().clock()) {
}

Stream::~Stream() = default;

Stream::LogRecord::LogRecord(const HandoffRequest& request, std::string_view model) {
  auto keep = [this](std::string_view name, std::size_t most_bytes) {
    const std::string_view kept = utf8_prefix(name, most_bytes);
    names_.append(kept);
    return kept.size();
  };
  request_id_bytes_ = static_cast<std::uint16_t>(keep(request.request_id, kMaxKeptIdBytes));
  user_id_bytes_ = static_cast<std::uint16_t>(keep(request.user_id, kMaxKeptIdBytes));
  model_bytes_ = static_cast<std::uint8_t>(keep(model, kMaxKeptModelBytes));
  apache_id_bytes_ = static_cast<std::uint8_t>(keep(request.apache.request_id, kMaxKeptApacheIdBytes));
  client_bytes_ = static_cast<std::uint8_t>(keep(request.apache.client, kMaxKeptAddressBytes));
  keep(request.apache.path, kMaxKeptPathBytes);
  names_.shrink_to_fit();
}

// --- Beginning ------------------------------------------------------------------------------------------------------

void Stream::set_client(RingFile file, Transport transport, std::unique_ptr<ClientConnection> connection) {
  client_ = file;
  transport_ = transport;
  connection_ = std::move(connection);
  if (connection_) table_.count_incomplete_record(0, connection_->incomplete_bytes());
}

void Stream::open(std::unique_ptr<HandoffRequest> request, Format format, Backend& backend) {
  if (LogRecord record(*request, backend.model(*request)); !record.empty()) {
    log_record_ = std::make_unique<LogRecord>(std::move(record));
  }
  const bool follows = !backend.answer_id().empty();
  const bool names_message = format == Format::kUiMessage && !follows;
  encoder_ = follows ? EventEncoder::of_encoded(format)
                     : EventEncoder(format, names_message ? message_id(*request) : std::string());
  if (!encoder_.is_verbatim()) append_head(*request, format);
  goes_on_ = request->continue_without_client && !follows;
  backend_ = &backend;
  // A kept answer is reported itself.
  session_ = follows ? backend.answer(std::move(request), *this)
                     : table_.reports().answer(backend, std::move(request), *this);
  if (table_.settings().max_stream_duration > Duration(0)) {
    table_.timers().schedule(lifetime_, table_.settings().max_stream_duration);
  }
  if (is_http2(transport_)) {
    hold();
    table_.start_later(*this);
  }
  arm_wait();
  mark_for_flush();
  begin_watch();
}

void Stream::append_head(const HandoffRequest& request, Format format) {
  const bool chunked = request.apache.takes_chunks() && !is_http2(transport_);
  append_stream_head(writer_.queue(), {.date = table_.date(),
                                       .chunked = chunked,
                                       .own = format_headers(format),
                                       .others = request.response_headers});
  if (chunked) writer_.begin_chunks();
  head_held_ = !table_.settings().early_head;
}

void Stream::open_refused(const HttpError& error) {
  refused_ = true;
  status_ = static_cast<std::uint16_t>(error.status);
  append_error_response(writer_.queue(), error, table_.date());
  begin_watch();
  begin_close(error.status < 400 ? CloseCause::kCompleted : CloseCause::kRefused);
}

std::optional<Duration> Stream::first_event_after() const {
  return events_ == 0 ? std::nullopt : std::optional(Duration(first_event_ms_));
}

// --- Events from the backend ----------------------------------------------------------------------------------------

void Stream::on_event(const AnswerEvent& event) {
  CHECK(!ended());
  if (state_ == StreamState::kOpening) move_to(StreamState::kStreaming);
  if (!blocked_) restart_wait();
  if (client_gone_) return;
  const std::uint32_t frames = encoder_.append(writer_.queue(), event);
  if (encoder_.too_large()) return mark_for_flush();
  if (event.kind == AnswerEvent::Kind::kMended) {
    log::warn("stream {}: the API sent text that is no Unicode, such as half a character; U+FFFD stands in its place",
              stream_id());
  }
  if (frames == 0) return;
  if (events_ == 0) note_first_event();
  head_held_ = false;
  events_ += frames;
  table_.counters().add(Counter::kEvents, frames);
  quiet_since_ = table_.timers().now();
  pause_or_resume_backend();
  mark_for_flush();
}

void Stream::note_first_event() {
  const Duration after = table_.timers().clock() - opened_;
  first_event_ms_ = static_cast<std::uint32_t>(after.count());
  table_.count_first_event(*this, after);
}

void Stream::on_usage(const Usage& usage) {
  if (!log_record_) log_record_ = std::make_unique<LogRecord>();
  log_record_->tokens = {.input = usage.input_tokens.value_or(0), .output = usage.output_tokens.value_or(0)};
}

void Stream::on_end(FinishReason reason) {
  if (encoder_.too_large()) return begin_close(CloseCause::kUpstreamTooLarge);
  if (!client_gone_) encoder_.append_end(writer_.queue(), reason, table_.settings().done_event);
  begin_close(CloseCause::kCompleted);
}

void Stream::on_failure(const BackendFailure& failure) {
  const CloseCause cause = cause_of(failure.kind);
  if (!failure.detail.empty()) log::warn("stream {}: {}: {}", stream_id(), info(cause).word, failure.detail);
  begin_close(cause, failure.status, failure.retry_after_seconds, failure.message);
}

std::string Stream::stream_id() const {
  return table_.id_of(*this);
}

void Stream::pause_or_resume_backend() {
  const std::size_t waiting = writer_.waiting();
  if (!paused_ && waiting > table_.settings().max_queued_bytes) {
    paused_ = true;
    table_.counters().add(Counter::kPauses);
    session_->pause();
  } else if (paused_ && waiting <= table_.settings().max_queued_bytes / 4) {
    paused_ = false;
    session_->resume();
  }
}

// --- Sending --------------------------------------------------------------------------------------------------------

// Nothing is sent any more once it closes.
void Stream::mark_for_flush() {
  if (!linked() && state_ != StreamState::kClosing) table_.flush_later(*this);
}

void Stream::start() {
  CHECK(holds_ > 0);
  --holds_;
  mark_for_flush();
}

void Stream::flush() {
  if (holds_ > 0) return;
  if (encoder_.too_large()) begin_close(CloseCause::kUpstreamTooLarge);
  if (state_ == StreamState::kClosing || client_gone_ || (in_flight_ & kWritable) != 0) return;
  if (connection_ ? !wrap() : head_held_) return;
  if (writer_.flush(table_.ring(), client_, tag(Operation::kClientSend))) {
    begin(kSend);
  } else if (state_ == StreamState::kDraining && writer_.empty()) {
    part();
  }
}

bool Stream::wrap() {
  if (head_held_ && !connection_->has_to_reply() && !writer_.has_rest()) return false;
  if (writer_.wrap(*connection_, table_.tls_ciphers(), connection_end(), head_held_)) {
    note_windows();
    return true;
  }
  log::warn("stream {}: no further TLS record can be made: its keys are used up, or OpenSSL has failed", stream_id());
  lose_client(CloseCause::kTlsFailed);
  return false;
}

ClientConnection::End Stream::connection_end() const {
  using End = ClientConnection::End;
  if (!ended()) return End::kNotYet;
  if (cause_ == CloseCause::kClientMalformed) return End::kMalformed;
  if (parting_ == Parting::kWeClose) return End::kConnection;
  if (cause_ == CloseCause::kWriteTimeout) return End::kCut;
  // Only the missing end shows the client that a verbatim answer was cut; other formats have an event for that.
  const bool is_cut = encoder_.is_verbatim() && cause_ != CloseCause::kCompleted;
  return is_cut ? End::kNotYet : End::kWhole;
}

// From now on the client is waited for: how long the backend has been silent before does not count.
void Stream::begin_to_be_blocked() {
  if (blocked_) return;
  blocked_ = true;
  restart_wait();
}

// A window without room is the same as a full buffer, except that the client opens it with a frame. A client that
// cancels its answer takes all of it at once.
void Stream::note_windows() {
  if (writer_.is_held_back() && !head_held_) {
    begin_to_be_blocked();
  } else if (blocked_ && writer_.empty()) {
    blocked_ = false;
    restart_wait();
    if (!ended()) pause_or_resume_backend();
  }
}

void Stream::on_sent(const Completion& completion) {
  completed(kSend);
  const StreamWriter::Progress progress = writer_.on_sent(completion.result);
  if (state_ == StreamState::kClosing) return close_when_idle();
  if (client_gone_) return writer_.drop();
  switch (progress) {
    case StreamWriter::Progress::kFailed:
      return on_client_broken(completion.result == -ETIMEDOUT ? CloseCause::kWriteTimeout : CloseCause::kClientGone);
    case StreamWriter::Progress::kBlocked:
      if (cause_ == CloseCause::kWriteTimeout) return lose_client(CloseCause::kWriteTimeout);
      begin_to_be_blocked();
      return submit_writable();
    case StreamWriter::Progress::kSent: {
      // Otherwise the stream waits for the backend, and what the client takes does not restart that wait.
      const bool waited_for_client = (blocked_ || ended()) && parting_ == Parting::kNotYet;
      if (head_held_ || !writer_.has_only_replied()) {
        blocked_ = false;
        if (waited_for_client) restart_wait();
      }
      bytes_sent_ += static_cast<std::uint64_t>(completion.result);
      table_.counters().add(Counter::kBytes, static_cast<std::uint64_t>(completion.result));
      if (!ended()) pause_or_resume_backend();
      return flush();
    }
  }
}

void Stream::submit_writable() {
  begin(kWritable);
  table_.ring().submit_poll(client_, POLLOUT, tag(Operation::kClientWritable));
}

void Stream::on_writable(const Completion&) {
  completed(kWritable);
  if (state_ == StreamState::kClosing) return close_when_idle();
  flush();
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void Stream::restart_wait() {
  waiting_since_ = table_.timers().now();
  arm_wait();
}

// An early timer is cheaper than one that moves with every event: on_timer() compares the times again.
void Stream::arm_wait() {
  const Time due = std::min(wait_due(), heartbeat_due());
  if (due == Time::max()) return;
  if (!wait_.pending() || wait_.expiry() > due) table_.timers().schedule_at(wait_, due);
}

Time Stream::wait_due() const {
  if (parting_ == Parting::kClientCloses) return waiting_since_ + kClientsTurn;
  if (shut_down()) return waiting_since_ + kDrainTimeout;
  if (parting_ == Parting::kWeClose) return waiting_since_ + kClientsTurn + table_.settings().write_timeout;
  if (blocked_ || state_ == StreamState::kDraining) return waiting_since_ + table_.settings().write_timeout;
  // How long a program may be silent is its own affair; and a kept answer ends itself.
  if (encoder_.is_verbatim() || encoder_.passes_encoded()) return Time::max();
  const bool opening = state_ == StreamState::kOpening;
  return waiting_since_ + (opening ? table_.settings().first_byte_timeout : table_.settings().idle_timeout);
}

void Stream::on_timer(Timer& timer) {
  if (&timer == &lifetime_) return begin_close(CloseCause::kTooLong);
  const Time now = table_.timers().now();
  if (now >= wait_due()) return on_waited_too_long();
  if (now >= heartbeat_due()) send_heartbeat();
  arm_wait();
}

Time Stream::heartbeat_due() const {
  const Duration interval = table_.settings().heartbeat_interval;
  const bool none =
      interval == Duration(0) || ended() || blocked_ || client_gone_ || head_held_ || encoder_.is_verbatim();
  return none ? Time::max() : quiet_since_ + interval;
}

void Stream::send_heartbeat() {
  append_heartbeat(writer_.queue());
  quiet_since_ = table_.timers().now();
  mark_for_flush();
}

void Stream::on_waited_too_long() {
  if (shut_down()) return submit_count_unacknowledged();
  if (parting_ == Parting::kClientCloses) {
    parting_ = Parting::kWeClose;
    arm_wait();
    return mark_for_flush();
  }
  if (ended() || blocked_) return give_client_up();
  begin_close(state_ == StreamState::kOpening ? CloseCause::kFirstByteTimeout : CloseCause::kIdleTimeout);
}

void Stream::give_client_up() {
  const bool window_is_closed = is_http2(transport_) && writer_.is_held_back();
  if (!window_is_closed || cause_ == CloseCause::kWriteTimeout) return lose_client(CloseCause::kWriteTimeout);
  begin_close(CloseCause::kWriteTimeout);
  cause_ = CloseCause::kWriteTimeout;  // also if the answer had ended
  restart_wait();
  mark_for_flush();
}

void Stream::begin(InFlight operation) {
  CHECK((in_flight_ & (operation | kClose)) == 0);
  in_flight_ |= operation;
}

void Stream::completed(InFlight operation) {
  CHECK((in_flight_ & operation) != 0);
  in_flight_ &= static_cast<std::uint8_t>(~operation);
}

void Stream::move_to(StreamState state) {
  CHECK(may_move(state_, state));
  state_ = state;
}

}  // namespace streaming
