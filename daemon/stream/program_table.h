// SPDX-License-Identifier: Apache-2.0
// ProgramTable: `exec`. It gives clients to programs: a program gets the payload, and the client's socket as its
// standard input and output, and answers as it likes. This starts, limits, ends and counts programs. The daemon sees no
// event of such an answer and has no stream for it.
//
// A client over TLS has a stream, because the daemon makes its records: its program gets a socket pair in place of the
// client's socket, and a ProgramOutput passes on what it writes.
//
// One per worker, owned by it, on its thread. A program without a stream takes a place among the worker's streams, and
// its client's assignment of the WorkerLoad, until it has been reaped.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/slab.h"
#include "config/config.h"
#include "handoff/admission.h"
#include "handoff/handoff_request.h"
#include "process/children.h"
#include "ring/completion_table.h"
#include "backends/close_cause.h"
#include "stream/stream_table.h"

namespace streaming {

class ProgramTable {
 public:
  // Borrows all. `running` counts the programs of all workers.
  ProgramTable(Ring& ring, Children& children, TimerWheel& timers, StreamTable& streams,
               std::atomic<std::int64_t>& running);
  ~ProgramTable();

  // Starts the program that the hand-off asks for and gives it the client; or leaves the client to the caller.
  Admission open(Client& client, std::unique_ptr<HandoffRequest> request, const Config& config);
  // Keeps a place for a program that starts when its client comes, whose answer Apache relays.
  Admission reserve(std::unique_ptr<HandoffRequest> request, const Config& config,
                    std::unique_ptr<Reservation>& reservation);

  // Completions of reads of programs' output go to it.
  void enter_at(CompletionTable& completions);

  void end_all(CloseCause cause);

  // Whether no program runs, and none is still read.
  bool empty() const { return programs_.size() == 0; }

 private:
  class Program;
  class ReservedProgram;
  // What streams to clients over TLS have as their backend.
  class ProgramBackend;

  Admission start(Program& program, const StreamTable::Place& place, Client& client,
                  std::unique_ptr<HandoffRequest> request);
  // Both start its command; the program's output is that of a client over TLS.
  Result<Handle> start_behind_pair(Program& program, const HandoffRequest& request);
  Result<Handle> start_child(Program& program, const UniqueFd& client, const HandoffRequest& request);
  void end(Program& program, CloseCause cause);
  void on_ended(Program& program, int status);
  void release_when_over(Program& program);

  Ring& ring_;
  Children& children_;
  TimerWheel& timers_;
  StreamTable& streams_;
  std::atomic<std::int64_t>& running_;
  Slab<Program> programs_;
  const std::unique_ptr<ProgramBackend> backend_;
};

}  // namespace streaming
