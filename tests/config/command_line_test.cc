// SPDX-License-Identifier: Apache-2.0
#include "config/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "config/option_table.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

Result<CommandLine> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "streaming-daemon");
  return read_command_line(static_cast<int>(arguments.size()), arguments.data());
}

class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~ScopedVariable() { unsetenv(name_); }

 private:
  const char* name_;
};

TEST(CommandLineTest, SetsWhatTheFlagsSay) {
  const Result<CommandLine> line =
      read({"--socket", "/tmp/d.sock", "--socket-mode", "0666", "--workers", "3", "--delay", "5", "--benchmark"});
  ASSERT_TRUE(line.ok());
  const Config& config = line.value().config;
  EXPECT_EQ(config.socket_path, "/tmp/d.sock");
  EXPECT_EQ(config.socket_mode, 0666u);
  EXPECT_EQ(config.workers, 3);
  EXPECT_EQ(config.mock_delay, Duration(5));
  EXPECT_TRUE(config.benchmark);
}

TEST(CommandLineTest, LetsFlagWinOverEnvironmentOverFileOverDefault) {
  TemporaryDirectory directory;
  const std::string file = directory.file("config.toml");
  std::ofstream(file) << "[server]\nworkers = 2\nmax_connections = 20\n[backend.mock]\nmessage_delay_ms = 200\n";
  const ScopedVariable connections("DAEMON_MAX_CONNECTIONS", "30");
  const ScopedVariable delay("DAEMON_TOKEN_DELAY_MS", "300");

  const Result<CommandLine> line = read({"--config", file.c_str(), "--delay", "400"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line.value().config.workers, 2);
  EXPECT_EQ(line.value().config.max_connections, 30);
  EXPECT_EQ(line.value().config.mock_delay, Duration(400));
  EXPECT_EQ(line.value().config.backend, "mock");
  EXPECT_EQ(line.value().config_file, file);
}

TEST(CommandLineTest, NamesTheFlagOrVariableOfAWrongValue) {
  EXPECT_EQ(read({"--workers", "x"}).error().message, "--workers must be a number from 0 to 1024, not \"x\"");
  const ScopedVariable workers("DAEMON_WORKERS", "y");
  EXPECT_EQ(read({}).error().message, "DAEMON_WORKERS must be a number from 0 to 1024, not \"y\"");
}

TEST(CommandLineTest, RefusesAnUnknownFlag) {
  const Result<CommandLine> line = read({"--wokers", "3"});
  ASSERT_FALSE(line.ok());
  EXPECT_NE(line.error().message.find("--wokers; did you mean --workers? --help lists"), std::string::npos)
      << line.error().message;
}

TEST(CommandLineTest, SuggestsNothingWhereNoFlagIsNear) {
  const std::string message = read({"--gc-percent", "5"}).error().message;
  EXPECT_EQ(message.find("did you mean"), std::string::npos) << message;
  EXPECT_NE(message.find("--gc-percent; --help lists the flags"), std::string::npos) << message;
}

TEST(CommandLineTest, TakesTheFlagsOfOtherDaemons) {
  const Result<CommandLine> line = read({"-s", "/tmp/d.sock", "-m", "0666", "-d", "7", "-b"});
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_EQ(line.value().config.socket_path, "/tmp/d.sock");
  EXPECT_EQ(line.value().config.socket_mode, 0666u);
  EXPECT_EQ(line.value().config.mock_delay, Duration(7));
  EXPECT_TRUE(line.value().config.benchmark);
  const Result<CommandLine> one_dash =
      read({"-socket", "/tmp/e.sock", "-message-delay", "200ms", "-max-connections=5", "-benchmark"});
  ASSERT_TRUE(one_dash.ok()) << one_dash.error().message;
  EXPECT_EQ(one_dash.value().config.socket_path, "/tmp/e.sock");
  EXPECT_EQ(one_dash.value().config.mock_delay, Duration(200));
  EXPECT_EQ(one_dash.value().config.max_connections, 5);
  EXPECT_TRUE(one_dash.value().config.benchmark);
}

TEST(CommandLineTest, RemarksOnVariablesThatSetNothing) {
  const ScopedVariable unknown("DAEMON_SOKET_PATH", "/tmp/x");
  const Result<CommandLine> line = read({});
  ASSERT_TRUE(line.ok());
  EXPECT_THAT(line.value().config.remarks, testing::Contains("the variable DAEMON_SOKET_PATH has no effect; did "
                                                             "you mean DAEMON_SOCKET_PATH?"));
}

TEST(CommandLineTest, RemarksOnSecretsThatEveryUserMayRead) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("config.toml"), key_file = directory.file("key");
  std::ofstream(file) << "[backend.openai]\napi_key = \"sk-1\"\n[backend.anthropic]\napi_key_file = \"" << key_file
                      << "\"\n[backend.langgraph]\napi_base = \"http://a:sk-2@host\"\n";
  std::ofstream(key_file) << "sk-3\n";
  using std::filesystem::perms;
  auto remarks_with = [&](perms directory_has, perms files_have) {
    std::filesystem::permissions(directory.file(""), directory_has);
    for (const std::string& path : {file, key_file}) std::filesystem::permissions(path, files_have);
    const Result<CommandLine> line = read({"--config", file.c_str()});
    EXPECT_TRUE(line.ok());
    return line.value().config.remarks;
  };
  const perms mine = perms::owner_all;
  const std::string may = " and can be read by every user of this system; take that right from others: chmod o-r";
  EXPECT_THAT(remarks_with(mine | perms::others_exec, mine | perms::others_read),
              testing::UnorderedElementsAre(file + " has a secret (backend.openai.api_key)" + may,
                                            file + " has a secret (backend.langgraph.api_base)" + may,
                                            key_file + " has a secret (backend.anthropic.api_key)" + may));
  EXPECT_THAT(remarks_with(mine | perms::others_exec, mine), testing::IsEmpty());
  EXPECT_THAT(remarks_with(mine, mine | perms::others_read), testing::IsEmpty()) << "nobody else gets there";
}

TEST(CommandLineTest, HelpListsEveryFlagAndVariable) {
  const Result<CommandLine> line = read({"--help"});
  ASSERT_TRUE(line.ok() && line.value().to_print);
  for (const Option& option : option_table()) {
    if (option.flag.empty()) continue;
    EXPECT_NE(line.value().to_print->find(std::string(option.flag)), std::string::npos) << option.flag;
    EXPECT_NE(line.value().to_print->find(std::string(option.variable)), std::string::npos) << option.variable;
  }
}

TEST(CommandLineTest, VersionIsOneLine) {
  const Result<CommandLine> line = read({"--version"});
  ASSERT_TRUE(line.ok() && line.value().to_print);
  EXPECT_EQ(line.value().to_print->find("streaming-daemon "), 0u);
}

}  // namespace
}  // namespace streaming
