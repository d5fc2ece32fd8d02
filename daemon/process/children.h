// SPDX-License-Identifier: Apache-2.0
// Children: the programs that a worker has started and not yet reaped. The ring reports when one has ended.
//
// One per worker, owned by it, on its thread. A program is a process group: its own children end with it.

#pragma once

#include "base/clock.h"
#include "base/slab.h"
#include "process/program.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

// From the request to end (SIGTERM) to the kill. Shorter than the daemon's own end.
inline constexpr Duration kProgramEndTimeout{2000};

class ChildOwner {
 public:
  // The child has ended, and its handle is invalid. `status` is that of waitpid(). May start another child from within.
  virtual void on_child_ended(Handle child, int status) = 0;

 protected:
  ~ChildOwner() = default;
};

class Children {
 public:
  // Borrows both.
  Children(Ring& ring, TimerWheel& timers);
  ~Children();

  // The owner outlives the child, and is called when it has ended.
  Result<Handle> start(const ProgramStart& start, ChildOwner& owner);

  // Asks the child to end (SIGTERM), and kills it if it does not within kProgramEndTimeout.
  void end(Handle child);
  void kill(Handle child);

  void on_ended(const Completion& completion);

  bool empty() const { return children_.size() == 0; }

 private:
  class Child;

  void submit_watch(const Child& child);

  Ring& ring_;
  TimerWheel& timers_;
  Slab<Child> children_;
};

}  // namespace streaming
