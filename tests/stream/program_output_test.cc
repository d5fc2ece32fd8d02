// SPDX-License-Identifier: Apache-2.0
// A program's output for a stream, over a ring that completes as the test says.

#include "stream/program_output.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "support/fake_ring.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

constexpr int kSucceeded = 0;
constexpr int kFailed = 3 << 8;  // exit status 3, as waitpid() has it

class ProgramOutputTest : public testing::Test, private CompletionHandler, private WorkOwner {
 protected:
  ProgramOutputTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    program_ = UniqueFd(ends[1]);
    output_ = std::make_unique<ProgramOutput>(ring_, timers_, Tag{Operation::kProgramReadable, {1, 2}},
                                              Tag{Operation::kProgramReceive, {1, 2}}, UniqueFd(ends[0]), over_);
    session_ = output_->begin(sink_);
    ring_.set_handler(*this);
  }

  void program_writes(std::string_view text) {
    ring_.complete(Operation::kProgramReadable, POLLIN);
    const FakeRing::Submitted& receive = ring_.find(Operation::kProgramReceive);
    ASSERT_LE(text.size(), receive.room.size());
    std::copy(text.begin(), text.end(), receive.room.begin());
    ring_.complete(Operation::kProgramReceive, static_cast<std::int32_t>(text.size()));
  }
  void program_closes() {
    ring_.complete(Operation::kProgramReadable, POLLIN | POLLHUP);
    ring_.complete(Operation::kProgramReceive, 0);
  }
  // Whether the program would notice that nobody reads any more.
  bool is_closed() const {
    char byte;
    return recv(program_.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }
  bool is_over() {
    timers_.expire();
    return was_told_;
  }

  FakeRing ring_;
  TimerWheel timers_{Time(Duration(1000))};
  Work over_{*this};
  RecordingSink sink_;
  std::unique_ptr<ProgramOutput> output_;
  std::unique_ptr<BackendSession> session_;

 private:
  void on_completion(const Completion& completion) override {
    if (completion.tag.operation == Operation::kProgramReadable) output_->on_readable(completion);
    if (completion.tag.operation == Operation::kProgramReceive) output_->on_received(completion);
  }
  void on_work(Work&) override { was_told_ = output_ == nullptr || output_->over(); }

  UniqueFd program_;
  bool was_told_ = false;
};

TEST_F(ProgramOutputTest, PassesOnWhatTheProgramWrites) {
  program_writes("HTTP/1.1 200 OK\r\n");
  program_writes("\r\ntext");
  EXPECT_EQ(sink_.all_text(), "HTTP/1.1 200 OK\r\n\r\ntext");
  EXPECT_EQ(ring_.count(Operation::kProgramReadable), 1);
}

TEST_F(ProgramOutputTest, IsWholeWhenTheProgramHasClosedItAndSucceeded) {
  program_closes();
  EXPECT_EQ(sink_.ends, 0) << "it may have been killed";
  output_->on_program_ended(kSucceeded);
  EXPECT_EQ(sink_.ends, 1);
  EXPECT_FALSE(sink_.failure);
}

TEST_F(ProgramOutputTest, IsReadToItsEndWhenTheProgramHasEnded) {
  output_->on_program_ended(kSucceeded);
  program_writes("last words");
  EXPECT_EQ(sink_.ends, 0);
  program_closes();
  EXPECT_EQ(sink_.all_text(), "last words");
  EXPECT_EQ(sink_.ends, 1);
}

TEST_F(ProgramOutputTest, IsAFailureWhenTheProgramHasFailed) {
  program_closes();
  output_->on_program_ended(kFailed);
  EXPECT_EQ(sink_.failure, FailureKind::kProgramFailed);
  EXPECT_EQ(sink_.detail, "ended with status 3");
  EXPECT_EQ(sink_.ends, 0);
}

TEST_F(ProgramOutputTest, NamesTheSignalThatHasEndedTheProgram) {
  output_->on_program_ended(SIGKILL);
  program_closes();
  EXPECT_EQ(sink_.detail, "ended by signal 9");
}

TEST_F(ProgramOutputTest, IsNotReadWhileTheStreamHasPaused) {
  session_->pause();
  ring_.complete(Operation::kProgramReadable, POLLIN);
  EXPECT_TRUE(ring_.pending.empty());
  session_->resume();
  program_writes("text");
  EXPECT_EQ(sink_.all_text(), "text");
}

TEST_F(ProgramOutputTest, WatchesOnceHoweverOftenTheStreamPausesAndResumes) {
  for (int i = 0; i < 3; ++i) {
    session_->pause();
    session_->resume();
  }
  EXPECT_EQ(ring_.count(Operation::kProgramReadable), 1);
  ring_.complete(Operation::kProgramReadable, POLLIN);
  session_->pause();
  session_->resume();
  EXPECT_EQ(ring_.count(Operation::kProgramReadable), 0) << "a receive is in flight";
}

TEST_F(ProgramOutputTest, IsWatchedAgainWhenTheKernelWasShortOfMemory) {
  ring_.complete(Operation::kProgramReadable, -ENOMEM);
  ring_.complete(Operation::kProgramReadable, POLLIN);
  ring_.complete(Operation::kProgramReceive, -EAGAIN);
  program_writes("text");
  EXPECT_EQ(sink_.all_text(), "text");
}

TEST_F(ProgramOutputTest, IsClosedWhenTheStreamWantsNoMoreWhileItIsWatched) {
  session_->cancel();
  EXPECT_FALSE(is_over());
  ring_.complete_cancelled();
  EXPECT_TRUE(is_over());
  EXPECT_TRUE(is_closed());
}

TEST_F(ProgramOutputTest, IsClosedWhenTheStreamWantsNoMoreWhileItIsReceived) {
  ring_.complete(Operation::kProgramReadable, POLLIN);
  session_.reset();
  ring_.complete_cancelled();
  EXPECT_FALSE(is_over());
  ring_.complete(Operation::kProgramReceive, 5);
  EXPECT_TRUE(is_over());
  EXPECT_TRUE(is_closed());
  EXPECT_TRUE(sink_.events.empty());
}

TEST_F(ProgramOutputTest, IsClosedAtOnceWhenTheStreamWantsNoMoreWhileItHasPaused) {
  session_->pause();
  ring_.complete(Operation::kProgramReadable, POLLIN);
  session_->cancel();
  EXPECT_TRUE(is_closed());
  EXPECT_TRUE(is_over());
}

TEST_F(ProgramOutputTest, IsClosedAndWatchedNoMoreWhenTheStreamEndsItWithinAnEvent) {
  sink_.at_event = [this] { session_->cancel(); };
  program_writes("the last that is wanted");
  EXPECT_TRUE(ring_.pending.empty());
  EXPECT_TRUE(is_closed());
  EXPECT_TRUE(is_over());
}

TEST_F(ProgramOutputTest, IsWatchedOnceWhenTheStreamPausesAndResumesWithinAnEvent) {
  sink_.at_event = [this] {
    session_->pause();
    session_->resume();
  };
  program_writes("text");
  EXPECT_EQ(ring_.count(Operation::kProgramReadable), 1);
}

TEST_F(ProgramOutputTest, MayBeDestroyedBeforeTheStream) {
  output_.reset();
  session_->resume();
  session_->pause();
  session_->cancel();
}

}  // namespace
}  // namespace streaming
