// SPDX-License-Identifier: Apache-2.0
// OutputReader: runs small programs and passes on what they print. Number, time and size are limited.
//
// One per worker, owned by it, on its thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "process/children.h"

namespace streaming {

// How many programs run at once, per worker, how long each may take, and what it may print. Over any of these: its
// output is not used.
inline constexpr std::uint32_t kMaxOutputPrograms = 4;
inline constexpr Duration kOutputProgramTimeout{1000};
inline constexpr std::size_t kMaxOutputBytes = 8 * 1024;

class OutputReceiver {
 public:
  // The program's whole output; nothing if it failed, took too long or printed too much.
  virtual void on_output(std::optional<std::string> output) = 0;

 protected:
  ~OutputReceiver() = default;
};

class OutputReader {
 public:
  // Borrows all.
  OutputReader(Ring& ring, TimerWheel& timers, Children& children);
  ~OutputReader();

  // Nothing if too many run already, or if the program cannot be started. Otherwise the receiver is called once, unless
  // forget() comes first.
  std::optional<Handle> run(std::span<const std::string> words, OutputReceiver& receiver);
  // The receiver is not called any more.
  void forget(Handle run);

  void on_read(const Completion& completion);

  bool empty() const { return runs_.size() == 0; }

 private:
  class Run;

  void submit_read(Run& run);
  // The run gives no output any more.
  void fail(Run& run);
  void finish_when_idle(Run& run);

  Ring& ring_;
  TimerWheel& timers_;
  Children& children_;
  Slab<Run> runs_;
};

}  // namespace streaming
