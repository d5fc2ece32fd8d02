// SPDX-License-Identifier: Apache-2.0
#include "process/output_reader.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <vector>

#include "support/ring_turns.h"

namespace streaming {
namespace {

struct Receiver final : OutputReceiver {
  void on_output(std::optional<std::string> text) override {
    ++calls;
    output = std::move(text);
  }
  int calls = 0;
  std::optional<std::string> output;
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class OutputReaderTest : public testing::Test {
 protected:
  OutputReaderTest() {
    turns.handler = [this](const Completion& completion) {
      completion.tag.operation == Operation::kChildEnded ? children.on_ended(completion) : reader.on_read(completion);
    };
  }
  ~OutputReaderTest() override {
    EXPECT_TRUE(turns.turn_until([&] { return reader.empty() && children.empty(); }));
    EXPECT_EQ(open_descriptors(), descriptors_before);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no child is left, dead or alive";
  }
  std::optional<Handle> run(const std::string& script) {
    const std::vector<std::string> words{"/bin/sh", "-c", script};
    return reader.run(words, receiver);
  }

  RingTurns turns;
  const std::size_t descriptors_before = open_descriptors();
  Children children{*turns.ring, turns.timers};
  OutputReader reader{*turns.ring, turns.timers, children};
  Receiver receiver;
};

TEST_F(OutputReaderTest, BringsWhatAProgramPrints) {
  ASSERT_TRUE(run("echo one; echo two"));
  ASSERT_TRUE(turns.turn_until([&] { return receiver.calls == 1; }));
  EXPECT_EQ(receiver.output, "one\ntwo\n");
}

TEST_F(OutputReaderTest, BringsNothingOfAProgramThatFails) {
  ASSERT_TRUE(run("echo one; exit 3"));
  ASSERT_TRUE(turns.turn_until([&] { return receiver.calls == 1; }));
  EXPECT_EQ(receiver.output, std::nullopt);
}

TEST_F(OutputReaderTest, KillsAProgramThatPrintsTooMuch) {
  ASSERT_TRUE(run("while :; do echo 0123456789012345678901234567890123456789; done"));
  ASSERT_TRUE(turns.turn_until([&] { return receiver.calls == 1; }));
  EXPECT_EQ(receiver.output, std::nullopt);
}

TEST_F(OutputReaderTest, KillsAProgramThatTakesTooLongAndWhatItHasStarted) {
  ASSERT_TRUE(run("trap '' TERM; sleep 3600 & sleep 3600"));
  ASSERT_TRUE(turns.turn_until([&] { return receiver.calls == 1; }));
  EXPECT_EQ(receiver.output, std::nullopt);
}

TEST_F(OutputReaderTest, TellsNobodyOnceForgotten) {
  const std::optional<Handle> handle = run("sleep 3600");
  ASSERT_TRUE(handle);
  reader.forget(*handle);
  ASSERT_TRUE(turns.turn_until([&] { return reader.empty(); }));
  EXPECT_EQ(receiver.calls, 0);
}

TEST_F(OutputReaderTest, RunsOnlySoManyAtOnce) {
  std::vector<Handle> handles;
  for (std::uint32_t i = 0; i < kMaxOutputPrograms; ++i) handles.push_back(*run("sleep 3600"));
  EXPECT_FALSE(run("echo one"));
  for (const Handle handle : handles) reader.forget(handle);
}

TEST_F(OutputReaderTest, SaysWhenThereIsNoSuchProgram) {
  const std::vector<std::string> words{"/nonexistent/fortune"};
  EXPECT_FALSE(reader.run(words, receiver));
}

}  // namespace
}  // namespace streaming
