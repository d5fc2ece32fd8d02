// SPDX-License-Identifier: Apache-2.0
// HandoffReceiver: takes one message from each of Apache's connections, decides, answers, closes. If the message is a
// reservation, it keeps a place, answers, and takes the client from a second message.
//
// One per worker, on its thread. A connection holds no receive buffer while its peer is silent. An accepted hand-off is
// acknowledged before the client gets its first byte. After a refusal the client is kept until the peer closes its end.
// An end of file means that Apache has read the refusal and answers the client. A reset means that the refusal was not
// read, for example because the module does not wait for it; then the daemon answers the client. A peer that does not
// close keeps the client: it may read the refusal at any time, and the client must not get two answers.
//
// A message that is there when the peer's time is up is still read, because the daemon may have caused the delay. An
// operation for which the kernel has no memory or no buffer is tried again. On SOCK_STREAM a message may come in parts.
// It ends where MessageEnd finds its end, with the peer's end of file, or when the peer's time is up.
//
// handoff_receiver.cc has what all connections have in common, handoff_reservations.cc the two messages.

#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "base/slab.h"
#include "handoff/admission.h"
#include "handoff/client.h"
#include "handoff/handoff_listener.h"
#include "handoff/handoff_message.h"
#include "handoff/handoff_request.h"
#include "handoff/refusal.h"
#include "handoff/reservation.h"
#include "handoff/worker_load.h"
#include "metrics/counters.h"
#include "metrics/histogram.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

// Takes the clients that a worker is handed.
class ClientReceiver {
 public:
  // Takes the client and its assignment of the WorkerLoad. If it refuses, it takes neither.
  virtual Admission on_client(Client& client, std::unique_ptr<HandoffRequest> request) = 0;
  // Keeps a place for a client who comes later, or refuses.
  virtual Admission on_reservation(std::unique_ptr<HandoffRequest> request,
                                   std::unique_ptr<Reservation>& reservation) = 0;
  // As on_client(), for the client at the place that was kept.
  virtual Admission on_reserved_client(Client& client, std::unique_ptr<Reservation> reservation) = 0;
  // An admitted client's stream sends nothing before start(), when Apache knows of it. If Apache cannot be told,
  // give_back() ends it without a byte. The stream may have ended by itself.
  virtual void hold(Handle stream) = 0;
  virtual void start(Handle stream) = 0;
  virtual void give_back(Handle stream) = 0;
  // Answers a client that Apache will not answer. Takes client and assignment, or returns false if it has no room even
  // for that.
  virtual bool on_refused_client(Client& client, const Refusal& refusal) = 0;

 protected:
  ~ClientReceiver() = default;
};

struct HandoffLimits {
  Duration receive_timeout{0};        // from accept to the message; over it: closed
  std::size_t max_payload_bytes = 0;  // over it: refused with 413
  std::vector<uid_t> allowed_users;   // others are refused with 403; empty: all are allowed
  Duration client_timeout{0};         // longest time without an acknowledgement by the client; 0: the kernel's
};

class HandoffReceiver final : public ConnectionReceiver, private TimerOwner, private WorkOwner {
 public:
  // Borrows all but the limits.
  HandoffReceiver(Ring& ring, TimerWheel& timers, WorkerLoad& load, Counters& counters, const HandoffLimits& limits,
                  ClientReceiver& clients);
  ~HandoffReceiver();

  // SOCK_SEQPACKET or SOCK_STREAM. Call it before the first connection.
  void set_socket_type(int type) { socket_type_ = type; }
  // Applies to messages that arrive from now on.
  void set_limits(const HandoffLimits& limits) { limits_ = limits; }

  // Times from a connection's arrival to its message. Any thread may read it.
  const Histogram& durations() const { return durations_; }

  bool idle() const { return connections_.size() == 0; }

  void on_connection(RingFile connection) override;
  void on_message(const Completion& completion);
  void on_reply_sent(const Completion& completion);
  void on_verdict(const Completion& completion);

  // Ends every connection that has not handed over a client yet. The others end soon by themselves.
  void stop();

 private:
  class Connection;
  struct PartialMessage;

  void on_timer(Timer&) override { retry(); }
  void on_work(Work&) override { retry(); }
  void on_time(Connection& connection);
  void set_deadline(Connection& connection, Duration timeout);
  // Until a decision has reached its peer.
  Duration reply_timeout() const;
  void submit(Connection& connection, Operation operation);
  void submit_receive(Connection& connection);
  void receive_polled(Connection& connection);
  void retry_later(Connection& connection, Operation operation, Duration pause);
  void retry();
  // Counts the connection as read in the WorkerLoad: the worker has had time to read from it.
  void look_at(Connection& connection);
  void begin_silence(Connection& connection);
  void end_silence(Connection& connection);
  static bool is_to_be_looked_at_again(const Connection& connection, std::int32_t result);
  void receive(Connection& connection, const Completion& completion);
  void receive_client(Client& client);
  // Whether this is the first end of file before a message: the kernel may have queued the message behind it.
  static bool is_first_end(Connection& connection, const Completion& completion);
  void receive_part(Connection& connection, std::span<const char> payload, std::int32_t result);
  void refuse_later_descriptor(Connection& connection);
  std::unique_ptr<PartialMessage> take_partial_message(Connection& connection);
  bool is_allowed(const std::optional<ucred>& sender) const;
  void complain_of(const std::optional<ucred>& sender);
  std::size_t most_inline_bytes() const;
  // `part`: whether the connection part, if there is one, can be used. `cut`: the message was larger than the buffer.
  void hand_on(Connection& connection, HandedOver& handed_over, const Status& part, std::span<const char> payload,
               bool cut);
  // Makes the client a stream, or refuses it.
  Admission decide(HandedOver& handed_over, const Status& part, std::span<const char> payload, bool cut);
  // Whether a message from this sender is looked at.
  Admission check_sender(const HandedOver& handed_over);
  Admission read_request(HandedOver& handed_over, std::span<const char> payload, bool cut,
                         std::unique_ptr<HandoffRequest>& request);
  // An Error has the code EFBIG if the payload is too large.
  Result<std::unique_ptr<HandoffRequest>> parse(HandedOver& handed_over, std::span<const char> payload);
  // The client is taken, with the connection's assignment, or refused.
  void conclude(Connection& connection, Client client, Admission admission);
  void reply(Connection& connection, std::string reply);
  void refuse(Connection& connection, Client client, Refusal refusal);
  void answer_client(Connection& connection);
  void observe_arrival(const Connection& connection);
  void count_as_timed_out(int code);
  void give_up(Connection& connection);
  void close(Connection& connection);

  // In handoff_reservations.cc:
  void receive_reservation(Connection& connection, std::span<const char> payload);
  Admission keep_place(Connection& connection, std::span<const char> payload);
  void wait_for_client(Connection& connection, std::int32_t sent);
  void receive_reserved_client(Connection& connection, const Completion& completion);
  Admission seat(Connection& connection, HandedOver& handed_over, const Status& part, std::span<const char> payload);
  // The client has not come: closes the connection. `reason` is one of the counters for it.
  void lose_reservation(Connection& connection, Counter reason, std::string_view detail);
  std::unique_ptr<Reservation> take_reservation(Connection& connection);

  // The connection whose only operation has completed.
  Connection& completed(const Completion& completion);

  Ring& ring_;
  TimerWheel& timers_;
  WorkerLoad& load_;
  Counters& counters_;
  HandoffLimits limits_;
  int socket_type_ = SOCK_SEQPACKET;
  Histogram durations_{kHandoffBoundsUs};
  ClientReceiver& clients_;
  HandoffRequestParser parser_;
  Slab<Connection> connections_;
  IntrusiveList<Connection> silent_;  // connections without a message after kSilentAfter, the oldest first
  std::uint32_t silent_count_ = 0;
  IntrusiveList<Connection> to_retry_;  // have nothing in flight; retry() submits their operation again
  Timer retry_{*this};
  Work retry_soon_{*this};
  std::size_t partial_bytes_ = 0;   // of all connections' partial messages
  std::uint32_t reservations_ = 0;  // connections that have one
  bool stopped_ = false;
  Time next_complaint_ = Time::min();
  std::uint64_t strangers_ = 0;  // since the last complaint
};

}  // namespace streaming
