// SPDX-License-Identifier: Apache-2.0
// HandoffListener: accepts Apache's connections and spreads them over the workers.
//
// Lives in the first worker, on its thread. Several rings that accept on a shared listener would not get equal parts,
// so the spreading is done on purpose: each connection goes to the worker with the most room, over that worker's ring.
// While all workers have more than they can read at once, nothing is accepted. Each connection is accepted by an
// operation of its own, and there are no more of these than free slots in the ring's table: one that goes on by itself
// (multishot) takes all that come, and those that find no slot are lost.

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
  // `connection` is the receiver's from now on; one assignment of its WorkerLoad belongs to it, and is yet unread.
  virtual void on_connection(RingFile connection) = 0;
  // How many it has.
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
  // Takes who has connected already, and nobody else; the socket's file must be gone. Takes effect when open() is
  // false.
  void stop();
  // The ring brings nothing any more: whoever connects is refused from now on, and what was on its way is lost.
  void abandon();
  // Whether a connection can still come from here.
  bool open() const { return static_cast<bool>(socket_) || passing_ > 0; }

  void on_accept(const Completion& completion);
  void on_passed(const Completion& completion);

 private:
  void on_timer(Timer&) override;
  // As many operations as there may be.
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
  Timer retry_{*this};           // pending while nothing more is to be accepted
  std::uint64_t accepting_ = 0;  // a bit for each operation in flight
  bool stopping_ = false;
  std::uint32_t passing_ = 0;  // connections on their way to other workers
};

}  // namespace streaming
