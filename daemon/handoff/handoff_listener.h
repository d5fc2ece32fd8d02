// SPDX-License-Identifier: Apache-2.0
// HandoffListener: accepts Apache's connections and distributes them over the workers.
//
// Belongs to the first worker and runs on its thread. Rings that accept on a shared listener do not get equal shares,
// so one worker accepts for all and passes each connection to the worker with the most room, through that worker's
// ring. While all workers have more than they can read at once, nothing is accepted. Each accept is a separate
// operation, and there are never more of them than free slots in the ring's table: a multishot accept takes every
// connection, and the kernel drops those that find no slot.

#pragma once

#include <cstddef>
#include <span>

#include "base/unique_fd.h"
#include "handoff/worker_load.h"
#include "metrics/counters.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

// What a worker does with a connection that was assigned to it.
class ConnectionReceiver {
 public:
  // The receiver owns `connection` from now on. It holds one assignment of the receiver's WorkerLoad, still counted as
  // unread.
  virtual void on_connection(RingFile connection) = 0;
  // The number of connections it has.
  virtual std::uint32_t connections() const = 0;

 protected:
  ~ConnectionReceiver() = default;
};

class HandoffListener final : private TimerOwner {
 public:
  // Borrows all but the socket. `loads` has an entry for each worker; the first is the listener's own.
  HandoffListener(Ring& ring, TimerWheel& timers, UniqueFd socket, std::span<WorkerLoad> loads, Counters& counters,
                  ConnectionReceiver& own_receiver)
      : ring_(ring),
        timers_(timers),
        socket_(std::move(socket)),
        loads_(loads),
        counters_(counters),
        own_receiver_(own_receiver) {}

  void start() { accept_more(); }
  // Accepts the connections that are in the backlog already, and no others. Remove the socket's file first. Done when
  // open() is false.
  void stop();
  // For a ring that brings no completions any more: new connections are refused, and those in flight are lost.
  void abandon();
  // Whether it can still bring a connection.
  bool open() const { return static_cast<bool>(socket_) || passing_ > 0; }

  void on_accept(const Completion& completion);
  void on_passed(const Completion& completion);

 private:
  void on_timer(Timer&) override;
  // Submits as many accepts as are allowed.
  void accept_more();
  void accept_more_unless_behind(std::uint32_t unread);
  void on_accept_failed(int code);
  void assign(RingFile connection);
  void accept_the_last();
  std::size_t roomiest_worker() const;
  // Whether each worker has at least `unread` hand-offs to read.
  bool all_behind(std::uint32_t unread) const;
  // Whether the ring's table has a slot for another connection.
  bool has_slot() const;

  Ring& ring_;
  TimerWheel& timers_;
  UniqueFd socket_;
  std::span<WorkerLoad> loads_;
  Counters& counters_;
  ConnectionReceiver& own_receiver_;
  Timer retry_{*this};           // pending while accepting is paused
  std::uint64_t accepting_ = 0;  // a bit for each accept in flight
  bool stopping_ = false;
  std::uint32_t passing_ = 0;  // connections that are being passed to other workers
};

}  // namespace streaming
