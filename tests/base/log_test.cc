// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_writer.h"
#include "base/unique_fd.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  // The log's text once it has `count` lines.
  std::string lines(std::size_t count) const {
    std::string text;
    char bytes[65536];
    while (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) < count) {
      const ssize_t got = read(reader.get(), bytes, sizeof bytes);
      if (got <= 0) break;
      text.append(bytes, static_cast<std::size_t>(got));
    }
    return text;
  }
  UniqueFd reader, writer;
};

// Never destroyed, like the daemon's: its thread may still be in a write.
LogWriter& writer_to(UniqueFd output) {
  return *new LogWriter(std::move(output));
}

TEST(LogWriter, WritesTheLinesOfAllThreadsWhole) {
  Pipe pipe;
  LogWriter& writer = writer_to(std::move(pipe.writer));
  constexpr int kThreads = 4, kLines = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int line = 0; line < kLines; ++line) writer.append("a line\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::string expected;
  for (int i = 0; i < kThreads * kLines; ++i) expected += "a line\n";
  EXPECT_EQ(pipe.lines(kThreads * kLines), expected);
  EXPECT_EQ(writer.lost(), 0u);
}

TEST(LogWriter, LosesAndCountsWhatNobodyReadsAndItsEndDoesNotWaitForThat) {
  Pipe pipe;
  LogWriter& writer = writer_to(std::move(pipe.writer));
  const std::string line = std::string(1023, 'x') + "\n";
  for (std::size_t bytes = 0; bytes <= 2 * kMaxLogBytes; bytes += line.size()) writer.append(line);
  EXPECT_GT(writer.lost(), 0u);
  writer.finish(Duration(1));
  writer.append("late\n");
}

TEST(LogWriter, CountsWhatItsOutputRefuses) {
  LogWriter& writer = writer_to(UniqueFd(open("/dev/full", O_WRONLY | O_CLOEXEC)));
  writer.append("one\ntwo\n");
  writer.finish(Duration(10'000));
  EXPECT_EQ(writer.lost(), 2u);
}

// The output of the daemon's log if `write` runs in a separate process.
std::string logged(const std::string& format, const std::function<void()>& write) {
  Pipe pipe;
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe.writer.get(), STDERR_FILENO);
    if (!start_log({"info", format, std::string(kLogToStderr)})) _exit(1);
    write();
    end_log();
    _exit(0);
  }
  pipe.writer.reset();
  return pipe.lines(SIZE_MAX);
}

TEST(Log, WritesOneLineWhateverAPeerHasSent) {
  const auto forge = [] {
    log::warn("{}", "evil\n2026-01-01T00:00:00.000+0000 info all is well");
    LogLine("stream ended").add("user", "a\xc2\x9b" "b\xe2\x80\xae").write();
  };
  for (const char* format : {"text", "json"}) {
    const std::string text = logged(format, forge);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
    EXPECT_THAT(text, HasSubstr("\\u009b"));
    EXPECT_THAT(text, HasSubstr("\\u202e"));
    EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
  }
  EXPECT_THAT(logged("json", forge), HasSubstr(R"("level":"info","message":"stream ended","user":"a\u009bb\u202e"})"));
}

}  // namespace
}  // namespace streaming
