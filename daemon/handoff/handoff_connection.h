// SPDX-License-Identifier: Apache-2.0
// HandoffReceiver::Connection: one of Apache's connections, from its arrival to its close.
//
// A slot of its receiver's slab, on the worker's thread. It has at most one operation in flight, and is freed when the
// last one has completed. It is linked while its peer is silent, or while its operation waits for another try.

#pragma once

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>

#include "handoff/connection_part_reader.h"
#include "handoff/handoff_receiver.h"
#include "handoff/message_end.h"

namespace streaming {

// The part of a message that has arrived on a SOCK_STREAM connection.
struct HandoffReceiver::PartialMessage {
  HandedOver handed_over;
  ConnectionPartReader part;
  std::string payload;  // no more than a message may have
  MessageEnd end;       // of the payload
};

class HandoffReceiver::Connection final : public ListNode, public TimerOwner {
 public:
  Connection(Handle handle, HandoffReceiver& receiver, RingFile file)
      : handle_(handle),
        receiver_(receiver),
        file_(file),
        timer_(*this),
        arrived_ns_(MonotonicClock::now_ns()),
        deadline_(receiver.timers_.now() + receiver.limits_.receive_timeout) {}

  void on_timer(Timer&) override { receiver_.on_time(*this); }

  // Whether its client is taken or refused, and the peer is to learn of it.
  bool is_decided() const { return !reply_.empty() && !reservation_; }

  const Handle handle_;
  HandoffReceiver& receiver_;
  const RingFile file_;
  Timer timer_;
  const std::int64_t arrived_ns_;  // the timers' milliseconds are longer than most hand-offs
  Time deadline_;
  Operation in_flight_ = Operation::kNone;
  Operation to_retry_ = Operation::kNone;
  bool unread_ = true;     // counted as unread in the WorkerLoad
  bool silent_ = false;    // true exactly while it is in the receiver's silent_
  bool given_up_ = false;  // true from give_up() on: its operation was cancelled
  bool polled_ = false;    // true exactly while a poll is in flight instead of the receive
  bool looked_ = false;    // the last receive, which does not wait, was submitted
  bool ended_ = false;     // an end of file came before the message
  bool assigned_ = true;   // it holds an assignment of the WorkerLoad; false once a stream has taken it
  msghdr message_{};
  alignas(cmsghdr) char control_[kControlBytes];
  std::unique_ptr<PartialMessage> partial_;   // null unless a part of the message has arrived
  std::unique_ptr<Reservation> reservation_;  // null unless the client is still to come
  std::string reply_;                         // being sent
  std::optional<Handle> held_;                // the stream that has taken the client, until the peer knows
  Client client_;                             // refused; kept until Apache has read the refusal
  Refusal refusal_;
};

}  // namespace streaming
