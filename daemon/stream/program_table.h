// SPDX-License-Identifier: Apache-2.0
// ProgramTable: `exec`. It gives clients to programs: a program gets the payload, and the client's socket as its
// standard input and output, and answers as it likes. This starts, limits, ends and counts programs. It is no Backend,
// because the daemon sees no event of such an answer and has no stream for it.
//
// One per worker, owned by it, on its thread. A program takes a place among the worker's streams, and its client's
// assignment of the WorkerLoad, until it has been reaped.

#pragma once

#include <atomic>
#include <cstdint>

#include "base/slab.h"
#include "config/config.h"
#include "handoff/admission.h"
#include "handoff/handoff_request.h"
#include "process/children.h"
#include "stream/close_cause.h"
#include "stream/stream_table.h"

namespace streaming {

class ProgramTable {
 public:
  // Borrows all. `running` counts the programs of all workers.
  ProgramTable(Children& children, TimerWheel& timers, StreamTable& streams, std::atomic<std::int64_t>& running);
  ~ProgramTable();

  // Starts the program that the hand-off asks for and gives it the client; or leaves the client to the caller.
  Admission open(Client& client, const HandoffRequest& request, const Config& config);

  void end_all(CloseCause cause);

  bool empty() const { return programs_.size() == 0; }

 private:
  class Program;

  Admission start(const UniqueFd& client, const HandoffRequest& request, const Config& config);
  void end(Program& program, CloseCause cause);
  void release(Program& program, int status);

  Children& children_;
  TimerWheel& timers_;
  StreamTable& streams_;
  std::atomic<std::int64_t>& running_;
  Slab<Program> programs_;
};

}  // namespace streaming
