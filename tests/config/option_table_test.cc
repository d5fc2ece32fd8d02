// SPDX-License-Identifier: Apache-2.0
#include "config/option_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/config_file.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

const Option& option(std::string_view key) {
  for (const Option& candidate : option_table()) {
    if (candidate.key == key) return candidate;
  }
  ADD_FAILURE() << "no option " << key;
  return option_table().front();
}

TEST(OptionTable, NamesEachKeyFlagAndVariableOnce) {
  std::set<std::string_view> names;
  for (const Option& entry : option_table()) {
    for (std::string_view name : {entry.key, entry.flag, entry.variable, entry.other_flags}) {
      if (name.empty()) continue;
      EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_FALSE(entry.help.empty()) << entry.key;
  }
}

// So that this daemon can replace one of them without other changes.
TEST(OptionTable, AcceptsTheSettingsNamesOfTheExistingDaemons) {
  std::set<std::string_view> names;
  for (const Option& entry : option_table()) names.insert({entry.key, entry.flag, entry.variable});
  for (const char* name : {"DAEMON_SOCKET_PATH",
                           "DAEMON_SOCKET_MODE",
                           "DAEMON_MAX_CONNECTIONS",
                           "DAEMON_BACKEND_PROVIDER",
                           "DAEMON_TOKEN_DELAY_MS",
                           "DAEMON_METRICS_ADDR",
                           "DAEMON_METRICS_ENABLED",
                           "OPENAI_API_BASE",
                           "OPENAI_API_KEY",
                           "OPENAI_API_SOCKET",
                           "OPENAI_HTTP2_ENABLED",
                           "OPENAI_INSECURE_SSL",
                           "OPENAI_MODEL",
                           "ANTHROPIC_API_KEY",
                           "LANGGRAPH_API_BASE",
                           "LANGGRAPH_API_KEY",
                           "LANGGRAPH_API_SOCKET",
                           "LANGGRAPH_ASSISTANT_ID",
                           "LANGGRAPH_STREAM_MODE",
                           "LANGGRAPH_HTTP2_ENABLED",
                           "LANGGRAPH_INSECURE_SSL",
                           "--socket",
                           "--socket-mode",
                           "--max-connections",
                           "--delay",
                           "--metrics",
                           "--metrics-addr",
                           "--backend",
                           "--benchmark",
                           "--max-stream-duration-ms",
                           "--openai-base",
                           "--openai-socket",
                           "--http2-enabled",
                           "--langgraph-base",
                           "--langgraph-socket",
                           "--langgraph-assistant",
                           "server.socket_path",
                           "server.socket_mode",
                           "server.max_connections",
                           "server.max_stream_duration_ms",
                           "backend.provider",
                           "backend.mock.message_delay_ms",
                           "backend.openai.api_base",
                           "backend.openai.api_key",
                           "backend.openai.api_socket",
                           "backend.openai.http2_enabled",
                           "backend.openai.insecure_ssl",
                           "backend.langgraph.assistant_id",
                           "backend.langgraph.stream_mode",
                           "metrics.enabled",
                           "metrics.listen_addr",
                           "logging.level",
                           "logging.format"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(OptionTable, TakesEveryDefaultAsAValue) {
  const Config defaults;
  for (const Option& entry : option_table()) {
    if (std::holds_alternative<Secret>(entry.value)) continue;
    Config config;
    const Status set = set_option(config, entry, option_text(defaults, entry));
    EXPECT_TRUE(set.ok()) << entry.key;
    EXPECT_EQ(option_text(config, entry), option_text(defaults, entry));
  }
}

TEST(OptionTable, SaysWhatAValueMustBe) {
  Config config;
  EXPECT_EQ(set_option(config, option("server.workers"), "many").error().message,
            "must be a number from 0 to 1024, not \"many\"");
  EXPECT_EQ(set_option(config, option("server.workers"), "1025").error().message,
            "must be a number from 0 to 1024, not \"1025\"");
  EXPECT_EQ(set_option(config, option("server.socket_mode"), "0888").error().message,
            "must be an octal file mode from 0000 to 0777, not \"0888\"");
  EXPECT_EQ(set_option(config, option("backend.openai.http2_enabled"), "maybe").error().message,
            "must be true or false, not \"maybe\"");
  EXPECT_EQ(set_option(config, option("backend.openai.model"), "").error().message, "must not be empty");
}

TEST(OptionTable, ReadsAModeAsOctal) {
  Config config;
  ASSERT_TRUE(set_option(config, option("server.socket_mode"), "0666").ok());
  EXPECT_EQ(config.socket_mode, 0666u);
  ASSERT_TRUE(set_option(config, option("server.socket_mode"), "0o600").ok());
  EXPECT_EQ(config.socket_mode, 0600u);
}

TEST(OptionTable, TakesSwitchesAndChoicesInAnyCase) {
  Config config;
  for (const char* text : {"no", "False", "OFF", "0"}) {
    config.openai_http2 = true;
    EXPECT_TRUE(set_option(config, option("backend.openai.http2_enabled"), text).ok()) << text;
    EXPECT_FALSE(config.openai_http2) << text;
  }
  for (const char* text : {"yes", "TRUE", "On", "1"}) {
    config.openai_http2 = false;
    EXPECT_TRUE(set_option(config, option("backend.openai.http2_enabled"), text).ok()) << text;
    EXPECT_TRUE(config.openai_http2) << text;
  }
  for (const char* text : {"warning", "WARN", "Warning"}) {
    config.log_level = "info";
    EXPECT_TRUE(set_option(config, option("logging.level"), text).ok()) << text;
    EXPECT_EQ(config.log_level, "warn") << text;
  }
}

TEST(OptionTable, ReadsDurationsWithUnitsToo) {
  Config config;
  const Option& delay = option("backend.mock.message_delay_ms");
  for (const auto& [text, ms] : {std::pair{"200ms", 200}, {"1m30s", 90'000}, {"0.5s", 500}, {"7", 7}, {"0", 0}}) {
    EXPECT_TRUE(set_option(config, delay, text).ok()) << text;
    EXPECT_EQ(config.mock_delay, Duration(ms)) << text;
  }
  for (const char* text : {"1500us", "2h", "-1s", "5x", "1.5", "s"}) {
    EXPECT_EQ(set_option(config, delay, text).error().message,
              "must be milliseconds from 0 to 3600000, not \"" + std::string(text) + "\"");
  }
}

TEST(OptionTable, NeverPrintsASecret) {
  Config config;
  config.openai_api_key = "sk-secret";
  EXPECT_EQ(option_text(config, option("backend.openai.api_key")), "");
  config.anthropic_api_base = "https://user:sk-secret@host/v1?key=sk-secret";
  EXPECT_EQ(option_text(config, option("backend.anthropic.api_base")), "https://***@host/v1?key=***");
  EXPECT_EQ(set_option(config, option("backend.anthropic.api_base"), "ftp://user:sk-secret@host").error().message,
            "must be an http or https URL, not \"ftp://***@host\"");
}

// conf/config.toml: every key, commented out, with its default.
TEST(ShippedConfiguration, ShowsEveryKeyWithItsDefaultAndNoOther) {
  std::ifstream shipped(SOURCE_DIR "/conf/config.toml");
  ASSERT_TRUE(shipped.is_open());
  std::ostringstream uncommented;
  for (std::string line; std::getline(shipped, line);) {
    const bool setting = line.starts_with("#") && line.find(" = ") != std::string::npos && !line.starts_with("# ");
    uncommented << (setting ? line.substr(1) : line) << "\n";
  }
  for (const Option& entry : option_table()) {
    if (entry.key.empty()) continue;
    const std::string name(entry.key.substr(entry.key.rfind('.') + 1));
    EXPECT_NE(uncommented.str().find("\n" + name + " = "), std::string::npos) << "missing: " << entry.key;
  }

  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(path) << uncommented.str();
  Config config;
  const Status read = read_config_file(path, config);
  ASSERT_TRUE(read.ok()) << read.error().message;
  for (const Option& entry : option_table()) {
    EXPECT_EQ(option_text(config, entry), option_text(Config{}, entry)) << entry.key;
  }
}

}  // namespace
}  // namespace streaming
