// SPDX-License-Identifier: Apache-2.0
// Faults: what goes wrong in a simulated run, and how often. Each run has some of them and not the others, so that some
// runs are calm and each fault meets others seldom and often.
//
// A value of the World, drawn from its seed. Each member's comment says which part of the kernel it stands for.

#pragma once

#include <cstdint>

#include "simulation/random.h"

namespace streaming::simulation {

// How often a fault strikes where it can.
struct Rate {
  std::uint32_t one_in = 0;  // 0: never

  bool strikes(Random& random) const { return one_in != 0 && random.one_in(one_in); }
};

struct Faults {
  // The ring.
  Rate late_completion;      // a completion comes after those of operations that were submitted later
  Rate late_execution;       // an operation is carried out by a thread of the kernel, a moment later
  Rate held_completions;     // a worker is handed a part of its completions
  Rate no_memory;            // -ENOMEM of an operation that allocates
  Rate no_buffers;           // -ENOBUFS although a buffer is free: another operation has it for a moment
  Rate interrupted;          // -EINTR
  Rate lost_completions;     // the completion queue had no memory (EBADR)
  Rate failed_adoption;      // a file cannot be installed in the ring's table
  Rate failed_pass;          // a file cannot be passed to another ring
  Rate failed_accept;        // -EMFILE, -ENFILE, -ECONNABORTED and the like
  Rate unknown_count;        // the unacknowledged bytes cannot be counted now
  // The network.
  Rate short_send;           // a send takes a part
  Rate full_socket;          // -EAGAIN although there was room
  Rate split_arrival;        // bytes arrive in parts
  Rate slow_link;            // a connection has a long way
  Rate small_buffers;        // a connection's buffers hold little
  Rate dead_link;            // what is sent arrives no more, and nobody reports it
  Rate refused_connect;      // a server refuses a connection, or does not answer
  Rate early_end;            // a peer's end is reported before its last message
  // The worker.
  Rate stall;                // a worker's turn comes much later than it could
  // The disk.
  Rate disk_error;           // -EIO, -ENOSPC
  Rate short_write;
  Rate hanging_disk;         // an operation takes longer than anybody waits

  static Faults draw(Random random);
  // None at all.
  static Faults none() { return {}; }
};

}  // namespace streaming::simulation
