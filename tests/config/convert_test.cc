// SPDX-License-Identifier: Apache-2.0
#include "config/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/config_file.h"
#include "config/foreign_file.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConvertTest : public testing::Test {
 protected:
  Result<std::string> convert(const std::string& text, const std::string& name = "theirs.yaml") {
    path = directory.file(name);
    std::ofstream(path) << text;
    return convert_configuration(path);
  }
  // The settings that the daemon reads from the converted file.
  Config config_of(const std::string& text, const std::string& name = "theirs.yaml") {
    const Result<std::string> converted = convert(text, name);
    EXPECT_TRUE(converted.ok()) << converted.error().message;
    const std::string ours = directory.file("ours.toml");
    std::ofstream(ours) << converted.value();
    Config config;
    const Status read = read_config_file(ours, config);
    EXPECT_TRUE(read.ok()) << read.error().message;
    return config;
  }
  std::string error_of(const std::string& text, const std::string& name = "theirs.yaml") {
    const Result<std::string> converted = convert(text, name);
    return converted.ok() ? "" : converted.error().message;
  }

  TemporaryDirectory directory;
  std::string path;
};

// The Go daemon's documented file, including the settings that are commented out there.
constexpr char kOfGo[] = R"(server:
  socket_path: /var/run/other.sock
  socket_mode: 0600
  max_connections: 4000
  max_stream_duration_ms: 200000  # Max per-stream duration
  pprof_addr: localhost:6060
  mem_limit: 768MiB
  gc_percent: 200

backend:
  provider: openai
  default_model: gpt-4o

  openai:
    api_key: sk-secret
    api_base: https://llm.example/v1
    api_socket: /var/run/openai-proxy.sock
    http2_enabled: false
    insecure_ssl: true

  langgraph:
    api_base: https://graph.example/v1
    assistant_id: helper
    stream_mode: values
    http2_enabled: false
    insecure_ssl: true

  mock:
    message_delay_ms: 70

metrics:
  enabled: false
  listen_addr: 127.0.0.1:9191

logging:
  level: debug
  format: json
)";

TEST_F(ConvertTest, CarriesOverWhatTheGoDaemonsFileSays) {
  const Config config = config_of(kOfGo);
  EXPECT_EQ(config.socket_path, "/var/run/other.sock");
  EXPECT_EQ(config.socket_mode, 0600u);
  EXPECT_EQ(config.max_connections, 4000);
  EXPECT_EQ(config.max_stream_duration, Duration(200'000));
  EXPECT_EQ(config.backend, "openai");
  EXPECT_EQ(config.openai_model, "gpt-4o");
  EXPECT_EQ(config.openai_api_base, "https://llm.example/v1");
  EXPECT_EQ(config.openai_api_socket, "/var/run/openai-proxy.sock");
  EXPECT_FALSE(config.openai_http2);
  EXPECT_TRUE(config.openai_insecure_ssl);
  EXPECT_EQ(config.langgraph_api_base, "https://graph.example/v1");
  EXPECT_EQ(config.langgraph_assistant_id, "helper");
  EXPECT_EQ(config.langgraph_stream_mode, std::vector<std::string>{"values"});
  EXPECT_FALSE(config.langgraph_http2);
  EXPECT_TRUE(config.langgraph_insecure_ssl);
  EXPECT_EQ(config.mock_delay, Duration(70));
  EXPECT_FALSE(config.metrics_enabled);
  EXPECT_EQ(config.metrics_address, "127.0.0.1:9191");
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.log_format, "json");
}

TEST_F(ConvertTest, NamesWhatItLeavesOutWithItsLineAndWhatToDo) {
  const std::string text = convert(kOfGo).value();
  EXPECT_THAT(text, HasSubstr("#   line 6: server.pprof_addr: profile with perf or heaptrack\n"));
  EXPECT_THAT(text, HasSubstr("#   line 7: server.mem_limit: set MemoryHigh="));
  EXPECT_THAT(text, HasSubstr("#   line 8: server.gc_percent: "));
  EXPECT_THAT(text, HasSubstr("#   line 15: backend.openai.api_key: a key is not printed: put it into OPENAI_API_KEY"));
  EXPECT_THAT(text, Not(HasSubstr("sk-secret")));
  EXPECT_THAT(convert("colour: blue\n").value(), HasSubstr("line 1: colour: there is no such setting here"));
  EXPECT_THAT(convert("server: {max_connections: many}\n").value(),
              HasSubstr("line 1: server.max_connections: must be a number from 0 to "));
}

TEST_F(ConvertTest, SetsNothingThatTheFileDoesNotSay) {
  EXPECT_THAT(convert("logging:\n  level: info\n  format: json\n").value(),
              testing::EndsWith("\n\n[logging]\nformat = 'json'\nlevel = 'info'\n"));
  EXPECT_THAT(convert("server:\n  # socket_path: /run/x\nbackend:\n  openai:\n").value(), Not(HasSubstr("[")));
}

// Other daemons pass on the API's events unchanged.
TEST_F(ConvertTest, KeepsTheFormatThatClientsOfLangGraphHadUntilNow) {
  EXPECT_EQ(config_of("backend: {provider: langgraph}\n").langgraph_format, "raw");
  EXPECT_EQ(config_of("backend: {provider: openai}\n").langgraph_format, "");
}

TEST_F(ConvertTest, TakesTomlWithSecondsAndWithTheNamesOfFlags) {
  const Config config = config_of(R"(
[server]
socket_path = "/var/run/other.sock"
socket_mode = 0o666
max_connections = 10_000
handoff_timeout_secs = 5
write_timeout_secs = 45
thread_pool = true
pool_size = 16
sqpoll = false
[backend]
provider = "mock"
default_model = "gpt-4o"
[backend.mock]
token_delay_ms = 25
[logging]
level = "warning"
)",
                                  "theirs.toml");
  EXPECT_EQ(config.socket_path, "/var/run/other.sock");
  EXPECT_EQ(config.socket_mode, 0666u);
  EXPECT_EQ(config.max_connections, 10'000);
  EXPECT_EQ(config.handoff_timeout, Duration(5000));
  EXPECT_EQ(config.write_timeout, Duration(45'000));
  EXPECT_EQ(config.mock_delay, Duration(25));
  EXPECT_EQ(config.openai_model, "gpt-4o");
  EXPECT_EQ(config.log_level, "warn");
  EXPECT_EQ(config_of("socket = \"/run/flag.sock\"\ndelay = 9\n", "flags.toml").socket_path, "/run/flag.sock");
  EXPECT_EQ(config_of("delay = 9\n", "flags.toml").mock_delay, Duration(9));
}

TEST_F(ConvertTest, ReadsAModeAsTheFilesOfTheKindDo) {
  EXPECT_EQ(config_of("server: {socket_mode: 0o660}\n").socket_mode, 0660u);
  EXPECT_EQ(config_of("server: {socket_mode: 432}\n").socket_mode, 0660u) << "a number without a zero is decimal";
  EXPECT_EQ(config_of("server: {socket_mode: \"660\"}\n").socket_mode, 0660u) << "a text is octal";
  EXPECT_EQ(config_of("[server]\nsocket_mode = 432\n", "theirs.toml").socket_mode, 0660u);
}

TEST_F(ConvertTest, TakesAListAndYamlsOtherWaysToWriteText) {
  const Config config = config_of(R"(backend:
  langgraph:
    stream_mode: [values, "updates"]
    assistant_id: >-
      a
      b
)");
  EXPECT_EQ(config.langgraph_stream_mode, (std::vector<std::string>{"values", "updates"}));
  EXPECT_EQ(config.langgraph_assistant_id, "a b");
}

TEST_F(ConvertTest, RefusesHostileYamlWithTheLine) {
  EXPECT_THAT(error_of("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"), HasSubstr("theirs.yaml:2: aliases"));
  EXPECT_THAT(error_of("a: {<<: *b}\n"), HasSubstr("theirs.yaml:1: "));
  for (const char* opening : {"[", "{a: ", "- ", "a: [", "? "}) {
    std::string deep;
    while (deep.size() < kLargestForeignFile - 16) deep += opening;
    EXPECT_NE(error_of(deep + "\n"), "") << opening;
  }
  std::string nested;
  for (int depth = 0; depth < 100; ++depth) nested += std::string(static_cast<std::size_t>(depth), ' ') + "a:\n";
  EXPECT_THAT(error_of(nested + std::string(100, ' ') + "b: 1\n"), HasSubstr("theirs.yaml:10: nested too deep"));
  EXPECT_THAT(error_of("server:\n  - socket_path: /run/x\n"), HasSubstr("theirs.yaml:2: a mapping is out of place"));
  EXPECT_THAT(error_of("server: [[a]]\n"), HasSubstr("theirs.yaml:1: a list is out of place"));
  EXPECT_THAT(error_of("just text\n"), HasSubstr("theirs.yaml:1: the file must be a mapping"));
  EXPECT_THAT(error_of("a: 1\na: 2\n"), HasSubstr("theirs.yaml:2: a appears twice"));
  EXPECT_THAT(error_of("~: 1\n"), HasSubstr("theirs.yaml:1: a key is missing"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("more than one document"));
  EXPECT_THAT(error_of("a: 1\nb: [open\n"), HasSubstr("theirs.yaml:"));
  EXPECT_THAT(error_of("a: 1\nb: c: d\n"), HasSubstr("theirs.yaml:2: "));
  EXPECT_THAT(error_of(std::string(300, 'a') + ": 1\n"), HasSubstr("the key is too long"));
  EXPECT_THAT(error_of(std::string(kLargestForeignFile + 1, '#')), HasSubstr("is larger than"));
}

TEST_F(ConvertTest, RefusesHostileTomlWithTheLine) {
  EXPECT_THAT(error_of("[a.b.c.d.e.f.g.h.i]\nj = 1\n", "theirs.toml"), HasSubstr("nested too deep"));
  std::string dotted = "a";
  while (dotted.size() < kLargestForeignFile - 16) dotted += ".a";
  EXPECT_NE(error_of(dotted + " = 1\n", "theirs.toml"), "");
  EXPECT_NE(error_of("a = " + std::string(kLargestForeignFile - 16, '[') + "\n", "theirs.toml"), "");
  EXPECT_THAT(error_of("a = 1\na = 2\n", "theirs.toml"), HasSubstr("theirs.toml:2: "));
  EXPECT_THAT(error_of("[[server]]\na = 1\n", "theirs.toml"), HasSubstr("theirs.toml:1: a list of lists or tables"));
}

TEST_F(ConvertTest, KeepsWhatAKeyHoldsWithinItsComment) {
  const std::string text = convert("\"a\\nprovider = 'exec'\\n#\": 1\n").value();
  EXPECT_THAT(text, HasSubstr("a\\u000aprovider = 'exec'\\u000a#: there is no such setting here\n"));
}

// The daemon could not read the converted value.
TEST_F(ConvertTest, RefusesAFileThatIsNotUtf8) {
  EXPECT_THAT(error_of("\"key\x81\": 1\n"), HasSubstr("theirs.yaml: is not UTF-8"));
  EXPECT_THAT(error_of("backend:\n  default_model: \"\xed\xa0\x80\"\n"), HasSubstr("theirs.yaml: is not UTF-8"));
  EXPECT_THAT(error_of("a = 1\nb = \"\x81\"\n", "theirs.toml"), HasSubstr("theirs.toml:2: "));
}

TEST_F(ConvertTest, NamesAFileThatCannotBeRead) {
  const Result<std::string> missing = convert_configuration(directory.file("none.yaml"));
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("none.yaml: No such file"));
  std::filesystem::create_directory(directory.file("folder.yaml"));
  const Result<std::string> folder = convert_configuration(directory.file("folder.yaml"));
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(folder.error().message, HasSubstr("folder.yaml: Is a directory"));
  EXPECT_THAT(error_of("", "theirs.ini"), HasSubstr("must end in .yaml, .yml or .toml"));
}

}  // namespace
}  // namespace streaming
