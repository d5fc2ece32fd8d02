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
    for (std::string_view name : {entry.key, entry.flag, entry.variable}) {
      if (name.empty()) continue;
      EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_FALSE(entry.help.empty()) << entry.key;
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

TEST(OptionTable, NeverPrintsASecret) {
  Config config;
  config.openai_api_key = "sk-secret";
  EXPECT_EQ(option_text(config, option("backend.openai.api_key")), "");
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
