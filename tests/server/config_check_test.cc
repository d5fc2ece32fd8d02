// SPDX-License-Identifier: Apache-2.0
#include "server/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/registry.h"
#include "config/option_table.h"
#include "sse/event_encoder.h"

namespace streaming {
namespace {

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> found;
  for (std::string_view rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    found.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return found;
}

std::vector<std::string> choices(const char* key) {
  return split(std::get<Choice>(find_option(key)->value).words);
}

TEST(ConfigCheck, FindsInTheOptionTableWhatThereIs) {
  std::vector<std::string> backends, fallbacks;
  for (const BackendEntry& entry : backend_registry()) {
    backends.emplace_back(entry.name);
    if (entry.make != nullptr) fallbacks.emplace_back(entry.name);
  }
  EXPECT_THAT(choices("backend.provider"), testing::UnorderedElementsAreArray(backends));
  EXPECT_THAT(split(std::get<WordList>(find_option("backend.fallback")->value).words),
              testing::UnorderedElementsAreArray(fallbacks));
  EXPECT_EQ(choices("response.format"), split(format_names()));
  for (const std::string& format : choices("response.format")) EXPECT_TRUE(find_format(format)) << format;
  for (const std::string& level : choices("logging.level")) EXPECT_TRUE(is_log_level(level)) << level;
  for (const std::string& format : choices("logging.format")) EXPECT_TRUE(is_log_format(format)) << format;
}

TEST(ConfigCheck, SaysWhereTheBackendComesFromThatNeedsPrograms) {
  Config config;
  EXPECT_TRUE(check_config(config).ok());
  config.backend = "exec";
  config.sources["backend.provider"] = "c.toml:2: backend.provider";
  EXPECT_EQ(check_config(config).error().message,
            "c.toml:2: backend.provider is exec, which needs programs; set backend.exec.commands");
  config.exec_commands["default"] = {"/bin/true"};
  EXPECT_TRUE(check_config(config).ok());
}

TEST(ConfigCheck, RefusesAStoreThatCannotBeMeant) {
  Config config;
  config.store_url = "http://cache.example";
  EXPECT_THAT(check_config(config).error().message, testing::HasSubstr("store.url begins with http://"));
  config.store_url = "valkey://:one@cache.example";
  EXPECT_TRUE(check_config(config).ok());
  config.store_password = "two";
  EXPECT_THAT(check_config(config).error().message, testing::HasSubstr("set one of the two"));
}

TEST(ConfigCheck, WantsAStoreForWhatHasNoEffectWithoutOne) {
  const std::pair<const char*, bool Config::*> settings[] = {{"limits.shared", &Config::limits_shared},
                                                             {"store.required", &Config::store_required},
                                                             {"answers.report_for_others", &Config::answers_report_for_others}};
  for (const auto& [key, setting] : settings) {
    Config config;
    config.*setting = true;
    config.sources[key] = "c.toml:3: " + std::string(key);
    EXPECT_EQ(check_config(config).error().message,
              "c.toml:3: " + std::string(key) + " is true, which needs a store; set store.url");
    config.store_url = "valkey://cache.example";
    EXPECT_TRUE(check_config(config).ok());
  }
}

TEST(ConfigCheck, WantsRoomForOneRequestWithAllThatOtherSettingsAllow) {
  Config config;
  config.max_payload_bytes = 1000;
  config.max_held_bytes = 2000;
  EXPECT_TRUE(check_config(config).ok());
  config.attachments_data_dir = "/var";
  config.attachments_max_total_bytes = 3000;
  config.sources["server.max_held_bytes"] = "--max-held-bytes";
  EXPECT_EQ(check_config(config).error().message,
            "--max-held-bytes must be 0 or at least 10000: one request may hold server.max_payload_bytes and, in base64, "
            "attachments.max_total_bytes, and the body for an API needs as much again");
  config.max_held_bytes = 10'000;
  EXPECT_TRUE(check_config(config).ok());
  config.max_held_bytes = 0;
  EXPECT_TRUE(check_config(config).ok());
}

}  // namespace
}  // namespace streaming
