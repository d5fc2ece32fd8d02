// SPDX-License-Identifier: Apache-2.0
#include "process/output_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/log.h"

namespace streaming {

// One program. Freed when it has been reaped and no read is in flight.
class OutputReader::Run final : public ChildOwner, private TimerOwner {
 public:
  Run(Handle handle, OutputReader& reader, UniqueFd pipe, OutputReceiver& receiver)
      : handle_(handle), reader_(reader), pipe_(std::move(pipe)), receiver_(&receiver), timer_(*this) {}

  void on_child_ended(Handle, int status) override {
    child_.reset();
    if (status != 0) failed_ = true;
    reader_.finish_when_idle(*this);
  }

  const Handle handle_;
  OutputReader& reader_;
  const UniqueFd pipe_;
  OutputReceiver* receiver_;  // null after forget()
  Timer timer_;
  std::optional<Handle> child_;  // empty once it was reaped
  bool reading_ = false;         // true exactly while a read is in flight
  bool failed_ = false;
  std::string output_;
  std::array<char, 2048> buffer_;

 private:
  void on_timer(Timer&) override { reader_.fail(*this); }
};

OutputReader::OutputReader(Ring& ring, TimerWheel& timers, Children& children)
    : ring_(ring), timers_(timers), children_(children), runs_(kMaxOutputPrograms) {
}

OutputReader::~OutputReader() = default;

std::optional<Handle> OutputReader::run(std::span<const std::string> words, OutputReceiver& receiver) {
  if (runs_.size() == runs_.limit()) return std::nullopt;
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  UniqueFd reading_end(ends[0]);
  const UniqueFd writing_end(ends[1]);
  Run& run = *runs_.create(*this, std::move(reading_end), receiver);
  Result<Handle> child =
      children_.start({.words = words, .environment = harmless_environment(), .output = writing_end.get()}, run);
  if (!child) {
    log::warn("{}", child.error().message);
    runs_.destroy(run, run.handle_);
    return std::nullopt;
  }
  run.child_ = *child;
  timers_.schedule(run.timer_, kOutputProgramTimeout);
  submit_read(run);
  return run.handle_;
}

void OutputReader::forget(Handle handle) {
  Run* run = runs_.find(handle);
  CHECK(run != nullptr);
  run->receiver_ = nullptr;
  fail(*run);
}

void OutputReader::submit_read(Run& run) {
  run.reading_ = true;
  ring_.submit_read(RingFile::regular(run.pipe_.get()), run.buffer_, Ring::kFromPosition,
                    Tag{Operation::kChildOutput, run.handle_});
}

void OutputReader::on_read(const Completion& completion) {
  Run* run = runs_.find(completion.tag.slot);
  CHECK(run != nullptr && run->reading_);
  run->reading_ = false;
  if (completion.result <= 0) {
    if (completion.result < 0) fail(*run);
    return finish_when_idle(*run);
  }
  run->output_.append(run->buffer_.data(), static_cast<std::size_t>(completion.result));
  if (run->failed_) return finish_when_idle(*run);
  if (run->output_.size() > kMaxOutputBytes) {
    fail(*run);
    return finish_when_idle(*run);
  }
  submit_read(*run);
}

void OutputReader::fail(Run& run) {
  if (std::exchange(run.failed_, true)) return;
  if (run.child_) children_.kill(*run.child_);
  if (run.reading_) ring_.submit_cancel(Tag{Operation::kChildOutput, run.handle_});
}

void OutputReader::finish_when_idle(Run& run) {
  if (run.reading_ || run.child_) return;
  OutputReceiver* receiver = run.receiver_;
  std::optional<std::string> output;
  if (!run.failed_) output = std::move(run.output_);
  runs_.destroy(run, run.handle_);
  if (receiver != nullptr) receiver->on_output(std::move(output));
}

}  // namespace streaming
