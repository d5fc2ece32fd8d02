// SPDX-License-Identifier: Apache-2.0
// Programs over a ring whose completions the test decides.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "process/children.h"
#include "process/output_reader.h"
#include "support/fake_ring.h"

namespace streaming {
namespace {

class ProcessFaultsTest : public testing::Test,
                          private CompletionHandler,
                          private ChildOwner,
                          protected OutputReceiver {
 protected:
  ProcessFaultsTest() { ring.set_handler(*this); }

  Handle start(std::vector<std::string> words) {
    Result<Handle> child =
        children.start({.words = words, .environment = harmless_environment(), .output = null.get()}, *this);
    EXPECT_TRUE(child.ok());
    return *child;
  }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  Children children{ring, timers};
  OutputReader outputs{ring, timers, children};
  UniqueFd null{open("/dev/null", O_WRONLY | O_CLOEXEC)};
  std::optional<int> ended_with;  // waitpid()'s status
  std::vector<std::optional<std::string>> printed;

 private:
  void on_completion(const Completion& completion) override {
    completion.tag.operation == Operation::kChildEnded ? children.on_ended(completion) : outputs.on_read(completion);
  }
  void on_child_ended(Handle, int status) override { ended_with = status; }
  void on_output(std::optional<std::string> text) override { printed.push_back(std::move(text)); }
};

TEST_F(ProcessFaultsTest, LetsAProgramRunWhoseWatchTheKernelHadNoMemoryFor) {
  const Handle child = start({"/bin/sleep", "1000"});
  for (const int error : {ENOMEM, EAGAIN, EINTR, ECANCELED}) {
    ring.complete(Operation::kChildEnded, -error);
    EXPECT_EQ(ended_with, std::nullopt);
    EXPECT_EQ(ring.count(Operation::kChildEnded), 1) << "else nobody would hear of its end";
  }
  children.kill(child);
  ring.complete(Operation::kChildEnded, POLLIN);
  ASSERT_NE(ended_with, std::nullopt);
  EXPECT_EQ(WTERMSIG(*ended_with), SIGKILL);
  EXPECT_TRUE(children.empty());
}

TEST_F(ProcessFaultsTest, EndsAProgramWhoseOutputCannotBeReadAndTellsWhenItIsGone) {
  for (const int error : {ENOMEM, EAGAIN, EINTR, ECANCELED, EIO}) {
    printed.clear();
    const std::vector<std::string> words{"/bin/sleep", "1000"};
    ASSERT_TRUE(outputs.run(words, *this));
    ring.complete(Operation::kChildOutput, -error);
    EXPECT_TRUE(printed.empty()) << "the program is still there";
    ring.complete(Operation::kChildEnded, POLLIN);
    EXPECT_EQ(printed, std::vector<std::optional<std::string>>{std::nullopt});
    EXPECT_TRUE(outputs.empty() && children.empty());
  }
}

TEST_F(ProcessFaultsTest, FreesNothingThatTheKernelStillReadsInto) {
  const std::vector<std::string> words{"/bin/true"};
  const std::optional<Handle> run = outputs.run(words, *this);
  ASSERT_TRUE(run);
  outputs.forget(*run);
  ring.complete(Operation::kChildEnded, POLLIN);
  EXPECT_FALSE(outputs.empty());
  ring.complete_cancelled();
  EXPECT_TRUE(outputs.empty());
  EXPECT_TRUE(printed.empty());
}

}  // namespace
}  // namespace streaming
