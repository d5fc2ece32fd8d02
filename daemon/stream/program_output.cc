// SPDX-License-Identifier: Apache-2.0
#include "stream/program_output.h"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <utility>

namespace streaming {

// Either may be destroyed first: the session with its stream, the output with its program.
class ProgramOutput::Session final : public BackendSession {
 public:
  explicit Session(ProgramOutput& output) : output_(&output) { output.session_ = this; }
  ~Session() override {
    if (output_ == nullptr) return;
    output_->session_ = nullptr;
    output_->cancel();
  }

  void pause() override {
    if (output_ != nullptr) output_->pause();
  }
  void resume() override {
    if (output_ != nullptr) output_->resume();
  }
  void cancel() override {
    if (output_ != nullptr) output_->cancel();
  }

  ProgramOutput* output_;  // null once it is destroyed
};

ProgramOutput::ProgramOutput(Ring& ring, TimerWheel& timers, Tag readable, Tag receive, UniqueFd socket, Work& over)
    : ring_(ring),
      timers_(timers),
      readable_(readable),
      receive_(receive),
      socket_(std::move(socket)),
      over_(over) {
}

ProgramOutput::~ProgramOutput() {
  if (session_ != nullptr) session_->output_ = nullptr;
}

std::unique_ptr<BackendSession> ProgramOutput::begin(EventSink& sink) {
  CHECK(sink_ == nullptr && session_ == nullptr);
  sink_ = &sink;
  submit_watch();
  return std::make_unique<Session>(*this);
}

void ProgramOutput::submit_watch() {
  CHECK(!in_flight_);
  in_flight_ = true;
  ring_.submit_poll(RingFile::regular(socket_.get()), POLLIN, readable_);
}

void ProgramOutput::on_readable(const Completion& completion) {
  in_flight_ = false;
  if (sink_ == nullptr) return note_over();
  if (paused_) return;
  // The kernel had no memory for the watch.
  if (completion.result < 0) return submit_watch();
  in_flight_ = true;
  ring_.submit_receive(RingFile::regular(socket_.get()), buffer_, receive_);
}

void ProgramOutput::on_received(const Completion& completion) {
  in_flight_ = false;
  if (sink_ == nullptr) return note_over();
  if (completion.result > 0) {
    const std::string_view text(buffer_.data(), static_cast<std::size_t>(completion.result));
    sink_->on_event({.kind = AnswerEvent::Kind::kText, .text = text});  // may cancel, pause or resume
  } else if (completion.result == 0) {
    read_all_ = true;
    return finish_when_ended();
  }
  read_on();
}

void ProgramOutput::on_program_ended(int status) {
  status_ = status;
  finish_when_ended();
}

// The end of file alone does not say whether the answer is whole: the kernel closes the files of a program that was
// killed before it reports the end.
void ProgramOutput::finish_when_ended() {
  if (sink_ == nullptr || !read_all_ || !status_) return;
  if (*status_ == 0) return sink_->on_end(FinishReason::kStop);
  const std::string detail = WIFSIGNALED(*status_) ? "ended by signal " + std::to_string(WTERMSIG(*status_))
                                                   : "ended with status " + std::to_string(WEXITSTATUS(*status_));
  sink_->on_failure({.kind = FailureKind::kProgramFailed, .detail = detail});
}

void ProgramOutput::resume() {
  paused_ = false;
  read_on();
}

void ProgramOutput::read_on() {
  if (sink_ != nullptr && !paused_ && !in_flight_ && !read_all_) submit_watch();
}

void ProgramOutput::cancel() {
  if (std::exchange(sink_, nullptr) == nullptr) return;
  if (in_flight_) return ring_.submit_cancel(readable_);  // a receive does not wait
  note_over();
}

void ProgramOutput::note_over() {
  socket_.reset();
  timers_.soon(over_);
}

}  // namespace streaming
