// SPDX-License-Identifier: Apache-2.0
// HandoffReceiver::Connection: one of Apache's connections, from its arrival to its close.
//
// A slot of its receiver's slab, on the worker's thread. At most one operation in flight; freed when its last one has
// completed. Linked while its peer is silent or its operation is to be tried again.

#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>

#include "handoff/handoff_receiver.h"
#include "handoff/message_end.h"

namespace streaming {

// What a worker keeps of messages whose rest is still to come. Over it: the one that has grown last is refused with 503.
inline constexpr std::size_t kMaxPartialMessageBytes = 16 * 1024 * 1024;

// What has come of a message whose rest is still to come, on a SOCK_STREAM connection.
struct HandoffReceiver::PartialMessage {
  HandedOver handed_over;
  std::string bytes;  // no more than a message may have
  MessageEnd end;
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

  const Handle handle_;
  HandoffReceiver& receiver_;
  const RingFile file_;
  Timer timer_;
  const std::int64_t arrived_ns_;  // the timers' milliseconds are longer than most hand-offs
  Time deadline_;
  Operation in_flight_ = Operation::kNone;
  Operation to_retry_ = Operation::kNone;
  bool unread_ = true;     // counts as such in the WorkerLoad
  bool silent_ = false;    // true exactly while it is among the silent
  bool given_up_ = false;  // true from give_up() on: its operation was cancelled
  bool polled_ = false;    // true exactly while a poll is in flight in place of the receive
  bool looked_ = false;    // the last look for a message, which does not wait, was submitted
  bool ended_ = false;     // an end of file has come where a message should have
  bool assigned_ = true;   // its assignment of the WorkerLoad was not passed on to a stream
  msghdr message_{};
  alignas(cmsghdr) char control_[kControlBytes];
  std::unique_ptr<PartialMessage> partial_;  // null unless a part of the message has come
  std::string reply_;                        // on its way
  UniqueFd client_;                          // of a refusal that Apache has not read yet
  Refusal refusal_;
};

}  // namespace streaming
