// SPDX-License-Identifier: Apache-2.0
// Stream: one client's life, from the hand-off to the closed descriptor.
//
// A slot of its worker's StreamTable, on the worker's thread. Owns the client's place in the ring's file table (the
// same number as its slot) and its backend session. begin_close() is the only way out; finish_close() frees the slot
// when nothing is in flight. It holds no buffer while it waits for the next event.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "answers/user_limits.h"
#include "backends/backend.h"
#include "backends/close_cause.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "handoff/client.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "sse/event_encoder.h"
#include "sse/response_head.h"
#include "stream/stream_metrics.h"
#include "stream/stream_state.h"
#include "stream/stream_writer.h"

namespace streaming {

class StreamTable;

// Linked while it has something to send that was not submitted yet.
class Stream final : public ListNode, private EventSink, private TimerOwner {
 public:
  Stream(Handle handle, StreamTable& table);
  ~Stream();

  // The first call, one of the two, once the client is set.
  void open(std::unique_ptr<HandoffRequest> request, Format format, Backend& backend);
  // A whole answer in place of a stream.
  void open_refused(const HttpError& error);

  // Before the first of these: the client, which is the stream's to close.
  void set_client(RingFile file, Transport transport, std::unique_ptr<ClientConnection> connection);

  // What answers it; null for one that only says no.
  Backend* backend() const { return backend_; }
  // Whether it reads a kept answer, which counts for its backend itself.
  bool follows() const { return encoder_.passes_encoded(); }

  // For logs and metrics: what the hand-off named, cut to what stream/limits.h allows, and what the upstream counted.
  class LogRecord {
   public:
    LogRecord() = default;
    LogRecord(const HandoffRequest& request, std::string_view model);

    std::string_view request_id() const { return {names_.data(), request_id_bytes_}; }
    std::string_view user_id() const { return behind(request_id(), user_id_bytes_); }
    std::string_view model() const { return behind(user_id(), model_bytes_); }
    // As Apache's log has them.
    std::string_view apache_id() const { return behind(model(), apache_id_bytes_); }
    std::string_view client() const { return behind(apache_id(), client_bytes_); }
    std::string_view path() const {
      const char* begin = client().data() + client_bytes_;
      return {begin, names_.data() + names_.size()};
    }

    // Whether none of them was named.
    bool empty() const { return names_.empty(); }

    TokenTotals tokens;

   private:
    static std::string_view behind(std::string_view before, std::size_t bytes) {
      return {before.data() + before.size(), bytes};
    }

    // One text for all, one behind the other: with short ones, as they mostly are, it needs no memory of its own. What
    // Apache knows costs a stream without it nothing.
    std::string names_;
    std::uint16_t request_id_bytes_ = 0;
    std::uint16_t user_id_bytes_ = 0;
    std::uint8_t model_bytes_ = 0;
    std::uint8_t apache_id_bytes_ = 0;
    std::uint8_t client_bytes_ = 0;
  };
  static_assert(sizeof(LogRecord) <= 56, "most streams have one");
  // Null where there is nothing of it.
  const LogRecord* log_record() const { return log_record_.get(); }
  // Of HTTP.
  int status() const { return status_; }
  // From the opening to the first event; nothing when there was none.
  std::optional<Duration> first_event_after() const;

  // Whose stream it is, where that is counted; the table's.
  void set_user(UserLimits::User* user) { user_ = user; }
  UserLimits::User* user() const { return user_; }

  Handle handle() const { return handle_; }
  bool refused() const { return refused_; }
  Transport transport() const { return transport_; }
  StreamState state() const { return state_; }
  CloseCause cause() const { return cause_; }
  // With which a client over HTTP/2 has left, or which it was sent; empty if there is none.
  std::string_view http2_error() const { return connection_ ? connection_->error_name() : std::string_view(); }
  // On the socket: of TLS whole records, of HTTP/2 whole frames.
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  std::uint32_t events() const { return events_; }
  Time opened() const { return opened_; }

  // Sends nothing from hold() until start(). There are two reasons, and both may exist at a time: Apache does not know
  // yet that the client is taken, and a head over HTTP/2 is not due (kHttp2HeadDelay).
  void hold() { ++holds_; }
  void start();
  // Ends it in place of start(): Apache will not know, and answers the client.
  void give_back() { abandon(CloseCause::kRefused); }

  // Submits what has gathered: at the turn's end, or when the client has room again.
  void flush();

  // Ends the stream. Where the client is still to hear of it, it hears the cause first: as an event, or as an answer of
  // its own where the head was held back; that one tells what status the upstream answered with (0: none), and when to
  // ask again (0: not said). `words` are the client's, in place of the cause's own. A stream that is ending already
  // goes on doing so.
  void begin_close(CloseCause cause, int upstream_status = 0, int retry_after_seconds = 0, std::string_view words = {});

  void on_sent(const Completion& completion);
  void on_writable(const Completion& completion);
  void on_watch(const Completion& completion);
  void on_received(const Completion& completion);
  void on_shutdown(const Completion& completion);
  void on_drained(const Completion& completion);
  void on_unacknowledged(const Completion& completion);
  void on_closed(const Completion& completion);

  // For the table: receives what a client with a connection has sent; false if nobody wants that any more.
  bool submit_receive();

 private:
  // Operations that can be in flight, as bits.
  enum InFlight : std::uint8_t {
    kSend = 1,
    kWritable = 2,
    kWatch = 4,
    kShutdown = 8,
    kDrain = 16,
    kClose = 32,
    kUnacknowledged = 64,
    kReceive = 128,
  };

  // What has happened since all was sent that the client is to get.
  enum class Parting : std::uint8_t {
    kNotYet,
    kClientCloses,  // over HTTP/2: the answer has ended, and the client is to close the connection
    kWeClose,       // over HTTP/2: it has not, and close_notify may be under way
    kShutDown,      // the client was told that nothing follows
  };

  void on_event(const AnswerEvent& event) override;
  void on_usage(const Usage& usage) override;
  void on_end(FinishReason reason) override;
  void on_failure(const BackendFailure& failure) override;
  bool wants_upstream_events() const override { return encoder_.wants_upstream_events(); }
  std::string stream_id() const override;
  void on_timer(Timer& timer) override;

  Tag tag(Operation operation) const { return Tag{operation, handle_}; }
  // At most one of each is in flight, and none besides the close.
  void begin(InFlight operation);
  void completed(InFlight operation);
  void move_to(StreamState state);
  bool ended() const { return state_ == StreamState::kDraining || state_ == StreamState::kClosing; }
  bool shut_down() const { return parting_ == Parting::kShutDown; }

  void append_head(const HandoffRequest& request, Format format);
  void note_first_event();
  bool nothing_sent() const {
    return connection_ ? !writer_.has_wrapped_text() : bytes_sent_ == 0 && !writer_.sending();
  }

  void mark_for_flush();
  // Passes what is queued through the client's connection; false if there is nothing to send.
  bool wrap();
  ClientConnection::End connection_end() const;
  // The client has no room.
  void begin_to_be_blocked();
  void note_windows();
  void pause_or_resume_backend();
  // What is waited for has happened, and the next wait begins.
  void restart_wait();
  void arm_wait();
  // When that takes too long; Time::max() if it may take for ever.
  Time wait_due() const;
  // When a comment is due to keep the connection alive; Time::max() when none is.
  Time heartbeat_due() const;
  void send_heartbeat();
  void on_waited_too_long();
  // The client takes no more of the answer. Over HTTP/2 it hears of that, as far as its socket has room.
  void give_client_up();

  void on_client_gone(CloseCause cause);
  void on_client_broken(CloseCause cause);
  void begin_watch();
  void submit_watch(short events);
  void take_input(std::span<char> bytes);
  // Acts on what the connection has received, and watches for more.
  void act_on(ClientConnection::Received received);
  void on_cancelled();
  void send_wanted_head();
  void drop_incomplete_record();
  bool has_received_too_much() const;
  void submit_writable();
  // Reads what the client sends, unless that is under way: its completion looks for more.
  void drain();
  void submit_drain();
  void count_received(std::int32_t bytes);
  void on_input(std::int32_t result);
  void submit_count_unacknowledged();
  // All was sent: over HTTP/2 the client is to close, otherwise, or if it does not, the daemon does.
  void part();
  void begin_drain();
  // The connection is of no use any more, and the client has not acknowledged all that was sent.
  void lose_client(CloseCause cause);
  // Ends the stream without another word to the client. `cause` holds where something was still to be sent.
  void abandon(CloseCause cause);
  void close_when_idle();
  void finish_close();

  const Handle handle_;
  RingFile client_ = RingFile::regular(-1);
  std::uint32_t first_event_ms_ = 0;            // after the opening; of no meaning before there is one
  [[no_unique_address]] EventEncoder encoder_;  // the small members that follow take the room behind its own
  StreamState state_ = StreamState::kOpening;
  CloseCause cause_ = CloseCause::kCompleted;
  std::uint8_t in_flight_ = 0;
  bool head_held_ : 1 = false;     // the head waits in the writer for the first event
  std::uint8_t holds_ : 2 = 0;     // of hold(), without their start()
  bool blocked_ : 1 = false;       // the client has no room: its buffer was full at the last send, or its window is
  bool goes_on_ : 1 = false;       // the backend is to finish its answer also when the client has left
  bool client_gone_ : 1 = false;   // the client has left, and the stream goes on: nothing is queued or sent
  bool paused_ : 1 = false;        // the backend was told to pause
  bool client_talks_ : 1 = false;  // the client has sent bytes that we do not read while we stream
  bool refused_ : 1 = false;       // an answer in place of a stream
  Transport transport_ : 3 = Transport::kPlain;
  Parting parting_ : 2 = Parting::kNotYet;
  std::uint32_t events_ = 0;
  std::uint16_t status_ = 200;
  std::uint16_t received_kb_ = 0;  // from the client; each receive counts at least one
  StreamTable& table_;
  [[no_unique_address]] StreamWriter writer_;
  std::uint16_t unacknowledged_kb_ = 0;  // of what was sent, when it was last looked at
  std::unique_ptr<ClientConnection> connection_;  // null if the client is plain or relayed
  Timer wait_;  // for whatever is waited for: the first event, the next one, the client's buffer, the client's end
  Time waiting_since_;
  Time quiet_since_;  // nothing was queued for the client since
  std::uint64_t bytes_sent_ = 0;
  std::unique_ptr<BackendSession> session_;
  // From here on what is of no use between two events, in a cache line of its own.
  Timer lifetime_;  // the longest life of the stream
  Time opened_;
  Backend* backend_ = nullptr;
  std::unique_ptr<LogRecord> log_record_;
  UserLimits::User* user_ = nullptr;
};

static_assert(sizeof(Stream) <= 256, "a slot is paid for by every stream");

}  // namespace streaming
