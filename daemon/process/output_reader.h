// SPDX-License-Identifier: Apache-2.0
// OutputReader: runs small programs and hands out what they print. Bounded in number, time and size.
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
  // The program's whole output; nothing where it failed, took too long or printed too much.
  virtual void on_output(std::optional<std::string> output) = 0;

 protected:
  ~OutputReceiver() = default;
};

class OutputReader {
 public:
  // Borrows all.
  OutputReader(Ring& ring, TimerWheel& timers, Children& children);
  ~OutputReader();

  // Nothing when too many run already, or when it cannot be started. Else the receiver is told once, unless it is
  // forgotten before.
  std::optional<Handle> run(std::span<const std::string> words, OutputReceiver& receiver);
  // The receiver is not told.
  void forget(Handle run);

  void on_read(const Completion& completion);

  bool empty() const { return runs_.size() == 0; }

 private:
  class Run;

  void submit_read(Run& run);
  // It brings nothing any more.
  void fail(Run& run);
  void finish_when_idle(Run& run);

  Ring& ring_;
  TimerWheel& timers_;
  Children& children_;
  Slab<Run> runs_;
};

}  // namespace streaming
