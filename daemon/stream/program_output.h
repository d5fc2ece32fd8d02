// SPDX-License-Identifier: Apache-2.0
// ProgramOutput: what a program answers to a client over TLS. The program has one end of a socket pair as its standard
// input and output; this reads the other end for the client's stream, which makes the records.
//
// Owned by its program in the ProgramTable, on the worker's thread. Nothing is ever written to the pair: what such a
// client sends behind its request is dropped by the stream. When the stream wants no more, the pair is closed, and the
// program notices it as it notices that a client has left.

#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "backends/backend.h"
#include "base/unique_fd.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

// What is read of a program at once.
inline constexpr std::size_t kProgramReadBytes = 16 * 1024;

class ProgramOutput {
 public:
  // Borrows the ring, the timers and `over`, which is asked for soon when over() has become true. `readable` and
  // `receive` name the operations, whose completions come to the next two functions.
  ProgramOutput(Ring& ring, TimerWheel& timers, Tag readable, Tag receive, UniqueFd socket, Work& over);
  ~ProgramOutput();

  // The stream's session; called once.
  std::unique_ptr<BackendSession> begin(EventSink& sink);

  // The program has ended with this status of waitpid(). What it has written is still read.
  void on_program_ended(int status);

  void on_readable(const Completion& completion);
  void on_received(const Completion& completion);

  // Whether the stream still wants what the program writes.
  bool wanted() const { return sink_ != nullptr; }
  // The stream wants no more, and nothing is in flight.
  bool over() const { return !wanted() && !in_flight_; }

 private:
  class Session;

  void submit_watch();
  void pause() { paused_ = true; }
  void resume();
  void read_on();
  void cancel();
  void finish_when_ended();
  void note_over();

  Ring& ring_;
  TimerWheel& timers_;
  const Tag readable_;
  const Tag receive_;
  UniqueFd socket_;
  Work& over_;
  Session* session_ = nullptr;  // the stream's, while it has it
  EventSink* sink_ = nullptr;   // null once the stream wants no more
  bool in_flight_ = false;      // a watch or a receive
  bool paused_ = false;
  bool read_all_ = false;      // the end of file was read
  std::optional<int> status_;  // of the program; nothing while it runs
  std::array<char, kProgramReadBytes> buffer_;
};

}  // namespace streaming
