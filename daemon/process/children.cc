// SPDX-License-Identifier: Apache-2.0
#include "process/children.h"

#include <poll.h>
#include <signal.h>

namespace streaming {

class Children::Child final : private TimerOwner {
 public:
  Child(Handle handle, RunningProgram program, ChildOwner& owner)
      : handle_(handle), program_(std::move(program)), owner_(owner), timer_(*this) {}

  // The group keeps the leader's number until the leader is reaped.
  void signal_group(int number) const { ::kill(-program_.pid, number); }

  const Handle handle_;
  const RunningProgram program_;
  ChildOwner& owner_;
  Timer timer_;  // from the request to end to the end by force

 private:
  void on_timer(Timer&) override { signal_group(SIGKILL); }
};

Children::Children(Ring& ring, TimerWheel& timers)
    : ring_(ring),
      timers_(timers),
      children_(kUnlimited) {  // callers limit their number
}

// Children remain only if the worker has failed.
Children::~Children() {
  children_.for_each([](Child& child, Handle) { child.signal_group(SIGKILL); });
}

Result<Handle> Children::start(const ProgramStart& start, ChildOwner& owner) {
  Result<RunningProgram> program = start_program(start);
  if (!program) return program.error();
  const Child& child = *children_.create(std::move(*program), owner);
  submit_watch(child);
  return child.handle_;
}

void Children::submit_watch(const Child& child) {
  ring_.submit_poll(RingFile::regular(child.program_.pidfd.get()), POLLIN, Tag{Operation::kChildEnded, child.handle_});
}

void Children::end(Handle handle) {
  Child* child = children_.find(handle);
  CHECK(child != nullptr);
  if (child->timer_.pending()) return;
  child->signal_group(SIGTERM);
  timers_.schedule(child->timer_, kProgramEndTimeout);
}

void Children::kill(Handle handle) {
  Child* child = children_.find(handle);
  CHECK(child != nullptr);
  child->signal_group(SIGKILL);
}

void Children::on_ended(const Completion& completion) {
  Child* child = children_.find(completion.tag.slot);
  CHECK(child != nullptr);
  // The kernel had no memory for the watch, so the child may still run; waiting for it would block the worker.
  if (completion.result < 0) return submit_watch(*child);
  const int status = reap_program(child->program_);
  ChildOwner& owner = child->owner_;
  const Handle handle = child->handle_;
  children_.destroy(*child, handle);
  owner.on_child_ended(handle, status);
}

}  // namespace streaming
