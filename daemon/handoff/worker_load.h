// SPDX-License-Identifier: Apache-2.0
// WorkerLoad: the numbers of hand-offs that a worker has not read and not finished, and of connections that it has. By
// them each worker decides whether it keeps a hand-off that it has accepted, and which one it passes it to.
//
// One per worker, on a separate cache line. Whoever gives a hand-off to the worker adds, the owner subtracts, both once
// for a stream and never for an event. Outlives all workers.

#pragma once

#include <atomic>
#include <cstdint>

#include "handoff/limits.h"

namespace streaming {

struct alignas(64) WorkerLoad {
  std::uint32_t worker = 0;    // the worker's number, from 0
  int ring = -1;               // the number of the worker's ring; set before the first hand-off
  std::uint32_t capacity = 0;  // the most streams that it can hold
  std::atomic<std::uint32_t> assigned{0};
  std::atomic<std::uint32_t> unread{0};  // of these, connections that it has had no time to read
  std::atomic<std::uint32_t> slots{0};   // for connections, of its ring's table: taken, or promised to one that comes

  void assign() {
    assigned.fetch_add(1, std::memory_order_relaxed);
    unread.fetch_add(1, std::memory_order_relaxed);
  }
  // A client that was read by another worker.
  void take_over() { assigned.fetch_add(1, std::memory_order_relaxed); }
  void look_at() { unread.fetch_sub(1, std::memory_order_relaxed); }
  void release() { assigned.fetch_sub(1, std::memory_order_relaxed); }
  // Promises a slot to a connection that comes; false if there is none.
  bool take_slot() {
    if (slots.fetch_add(1, std::memory_order_relaxed) < kMaxHandoffConnections) return true;
    give_slot_back();
    return false;
  }
  void give_slot_back() { slots.fetch_sub(1, std::memory_order_relaxed); }
  std::int64_t room() const { return std::int64_t{capacity} - assigned.load(std::memory_order_relaxed); }
  bool behind(std::uint32_t most) const { return unread.load(std::memory_order_relaxed) >= most; }
};

}  // namespace streaming
