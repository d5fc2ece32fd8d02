// SPDX-License-Identifier: Apache-2.0
#include "process/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdint>

#include "support/unix_sockets.h"

namespace streaming {
namespace {

// The output of a shell that runs `script`.
std::string output_of(const std::string& script, std::vector<std::string> environment = {}) {
  auto [ours, its] = socket_pair();
  const std::vector<std::string> words{"/bin/sh", "-c", script};
  Result<RunningProgram> program =
      start_program({.words = words, .environment = std::move(environment), .input = its.get(), .output = its.get()});
  EXPECT_TRUE(program.ok());
  its.reset();
  const std::string output = read_to_end(ours.get());
  EXPECT_EQ(waitpid(program->pid, nullptr, 0), program->pid);
  return output;
}

TEST(Program, StartsAProgramWithThreeDescriptorsOnly) {
  const UniqueFd inheritable(open("/dev/null", O_RDONLY));  // without CLOEXEC
  ASSERT_TRUE(inheritable);
  EXPECT_EQ(output_of("for fd in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo $fd; done"), "0\n1\n2\n");
}

TEST(Program, StartsAProgramWithNoSignalBlockedOrIgnored) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  signal(SIGPIPE, SIG_IGN);
  const std::string status = output_of("grep -E 'Sig(Blk|Ign)' /proc/self/status");
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(status, testing::HasSubstr("SigBlk:\t0000000000000000"));
  // Except two above the system's 31 signals, which the C library reserves.
  const std::uint64_t ignored = std::stoull(status.substr(status.find("SigIgn:\t") + 8), nullptr, 16);
  EXPECT_EQ(ignored & 0x7FFFFFFF, 0u) << status;
}

TEST(Program, StartsAProgramInItsOwnProcessGroup) {
  EXPECT_EQ(output_of("set -- $(cat /proc/$$/stat); [ $1 = $5 ] && echo leader"), "leader\n");
}

TEST(Program, SaysWhyItCannotBeStarted) {
  auto [ours, its] = socket_pair();
  const std::vector<std::string> words{"/nonexistent/program"};
  const Result<RunningProgram> program = start_program({.words = words, .environment = {}, .output = its.get()});
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ENOENT);
}

TEST(HarmlessEnvironment, DropsApiKeysFromTheEnvironment) {
  setenv("OPENAI_API_KEY", "sk-secret", 1);
  setenv("LC_TIME", "C", 1);
  const std::vector<std::string> environment = harmless_environment();
  EXPECT_THAT(environment, testing::Contains("LC_TIME=C"));
  EXPECT_THAT(environment, testing::Contains(testing::StartsWith("PATH=")));
  EXPECT_THAT(environment, testing::Not(testing::Contains(testing::HasSubstr("sk-secret"))));
}

}  // namespace
}  // namespace streaming
