// SPDX-License-Identifier: Apache-2.0
// HandoffListener: a worker's share of Apache's connections.
//
// One per worker, on its thread; all accept on the same socket. The kernel wakes one of those that wait for a
// connection, so a hand-off wakes one worker, and one that is busy leaves connections to others. The shares are not
// equal. So a worker that is ahead of another passes on what it accepts, through the other's ring. A worker that has
// more than it can read at once accepts nothing. Each accept is a separate operation, and there are never more of them
// than free slots in the ring's table: a multishot accept takes every connection, and the kernel drops those that find
// no slot.

#pragma once

#include <cstddef>
#include <span>

#include "handoff/worker_load.h"
#include "metrics/counters.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

// What a worker does with a connection that was assigned to it.
class ConnectionReceiver {
 public:
  // The receiver owns `connection` from now on. It holds a slot and one assignment of the receiver's WorkerLoad, still
  // counted as unread.
  virtual void on_connection(RingFile connection) = 0;

 protected:
  ~ConnectionReceiver() = default;
};

class HandoffListener final : private TimerOwner {
 public:
  // Borrows all. `socket` stays open as long as open() is true. `loads` has an entry for each worker; `own_load` is the
  // listener's.
  HandoffListener(Ring& ring, TimerWheel& timers, int socket, std::span<WorkerLoad> loads, WorkerLoad& own_load,
                  Counters& counters, ConnectionReceiver& own_receiver)
      : ring_(ring),
        timers_(timers),
        socket_(socket),
        loads_(loads),
        own_load_(own_load),
        counters_(counters),
        own_receiver_(own_receiver) {}

  void start() { accept_more(); }
  // Accepts the connections that are in the backlog already, and no others. Remove the socket's file first. Done when
  // open() is false.
  void stop();
  // For a ring that brings no completions any more: connections in flight are lost, the others are left to the other
  // workers.
  void abandon();
  // Whether it can still bring a connection.
  bool open() const { return !stopped_ || passing_ > 0; }

  void on_accept(const Completion& completion);
  void on_passed(const Completion& completion);

 private:
  void on_timer(Timer&) override;
  // Submits as many accepts as are allowed.
  void accept_more();
  // Unless the worker has at least `unread` hand-offs to read.
  void accept_more_unless_behind(std::uint32_t unread);
  void on_accept_failed(int code);
  void assign(RingFile connection);
  void keep(RingFile connection);
  void accept_the_last();
  // The worker that a connection goes to.
  WorkerLoad& choose_worker();

  Ring& ring_;
  TimerWheel& timers_;
  const int socket_;
  std::span<WorkerLoad> loads_;
  WorkerLoad& own_load_;
  Counters& counters_;
  ConnectionReceiver& own_receiver_;
  Timer retry_{*this};           // pending while accepting is paused
  std::uint32_t accepting_ = 0;  // a bit for each accept in flight
  bool stopping_ = false;
  bool stopped_ = false;       // it accepts nothing more
  std::uint32_t passing_ = 0;  // connections that are being passed to other workers
};

}  // namespace streaming
