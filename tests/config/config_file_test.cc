// SPDX-License-Identifier: Apache-2.0
#include "config/config_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/profile.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

class ConfigFileTest : public testing::Test {
 protected:
  Status read(const std::string& text) {
    std::ofstream(path) << text;
    return read_config_file(path, config);
  }

  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  Config config;
};

TEST_F(ConfigFileTest, SetsWhatItSaysAndLeavesTheRest) {
  const Status status = read(R"(
[server]
socket_path = "/tmp/x.sock"
socket_mode = 0o600
max_connections = 12

[backend]
provider = "openai"
[backend.openai]
http2_enabled = false
[backend.mock]
message_delay_ms = 7
)");
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(config.socket_path, "/tmp/x.sock");
  EXPECT_EQ(config.socket_mode, 0600u);
  EXPECT_EQ(config.max_connections, 12);
  EXPECT_EQ(config.backend, "openai");
  EXPECT_FALSE(config.openai_http2);
  EXPECT_EQ(config.mock_delay, Duration(7));
  EXPECT_EQ(config.workers, Config{}.workers);
}

TEST_F(ConfigFileTest, TakesAModeInOctalAloneAndNamesAnotherAsItWasWritten) {
  EXPECT_EQ(read("[server]\nsocket_mode = 660\n").error().message,
            path + ":2: server.socket_mode must be an octal file mode, such as 0o660 or \"0660\", not \"660\"");
  EXPECT_EQ(read("[server]\nsocket_mode = 0o1777\n").error().message,
            path + ":2: server.socket_mode must be an octal file mode from 0000 to 0777, not \"0o1777\"");
  ASSERT_TRUE(read("[server]\nsocket_mode = \"0640\"\n").ok());
  EXPECT_EQ(config.socket_mode, 0640u);
}

TEST_F(ConfigFileTest, TakesAListAsAnArrayOrAsText) {
  ASSERT_TRUE(read("[backend]\nfallback = [\"mock\", \"typing\"]\n").ok());
  EXPECT_EQ(config.fallback, (std::vector<std::string>{"mock", "typing"}));
  EXPECT_NE(config_file_text(config).find("fallback = [ 'mock', 'typing' ]"), std::string::npos)
      << config_file_text(config);
  ASSERT_TRUE(read("[backend]\nfallback = \"openai, mock\"\n").ok());
  EXPECT_EQ(config.fallback, (std::vector<std::string>{"openai", "mock"}));
  ASSERT_TRUE(read("[backend]\nfallback = []\n").ok());
  EXPECT_TRUE(config.fallback.empty());
  for (const char* wrong : {"[1]", "[[\"mock\"]]", "[\"mock\", \"\"]"}) {
    EXPECT_FALSE(read(std::string("[backend]\nfallback = ") + wrong + "\n").ok()) << wrong;
  }
}

TEST_F(ConfigFileTest, ReadsCommandsInEachWayOfWritingATable) {
  const NamedCommands expected{{"default", {"/bin/echo", "a \"b\" c\\d"}}, {"long name", {"/bin/true"}}};
  ASSERT_TRUE(read(R"([backend.exec]
commands = { default = ["/bin/echo", 'a "b" c\d'], "long name" = ["/bin/true"] }
)")
                  .ok());
  EXPECT_EQ(config.exec_commands, expected);
  config.exec_commands.clear();
  ASSERT_TRUE(read(R"([backend.exec.commands]
default = ["/bin/echo",
           'a "b" c\d']
"long name" = ["/bin/true"]
)")
                  .ok());
  EXPECT_EQ(config.exec_commands, expected);
  // The printed file can be read again.
  config.exec_commands.clear();
  Config printed;
  printed.exec_commands = expected;
  ASSERT_TRUE(read(config_file_text(printed)).ok());
  EXPECT_EQ(config.exec_commands, expected);
}

TEST_F(ConfigFileTest, RefusesWhatIsNoCommand) {
  for (const std::string value : {"\"/bin/echo\"", "{ a = \"/bin/echo\" }", "{ a = [] }", "{ a = [1] }",
                                  "{ a = { b = [] } }", "[\"/bin/echo\"]", "7"}) {
    const Status status = read("[backend.exec]\ncommands = " + value + "\n");
    ASSERT_FALSE(status.ok()) << value;
    EXPECT_EQ(status.error().message.find(path + ":2: backend.exec.commands must "), 0u) << status.error().message;
  }
  EXPECT_EQ(read("[backend.exec]\ncommands = { a = [\"echo\"] }\n").error().message,
            path + ":2: backend.exec.commands must name each program by its full path, not echo");
}

TEST_F(ConfigFileTest, NamesTheNearestKeyForAnUnknownOne) {
  EXPECT_EQ(read("[server]\nsocket_pth = \"/x\"\n").error().message,
            path + ":2: unknown key server.socket_pth; did you mean server.socket_path?");
}

TEST_F(ConfigFileTest, NamesLineKeyAndRangeForAWrongValue) {
  EXPECT_EQ(read("\n[server]\nworkers = -1\n").error().message,
            path + ":3: server.workers must be a number from 0 to 1024, not \"-1\"");
  EXPECT_EQ(read("[server]\nworkers = [1]\n").error().message,
            path + ":2: server.workers must be a number from 0 to 1024, not \"[ 1 ]\"");
}

TEST_F(ConfigFileTest, NamesTheLineOfASyntaxError) {
  EXPECT_EQ(read("[server]\nworkers = = 3\n").error().message.find(path + ":2: "), 0u);
}

TEST_F(ConfigFileTest, ReadsProfilesThatTakeWhatTheyLeaveOutFromTheirBackend) {
  const Status status = read(R"(
[backend.langgraph]
api_base = "http://localhost:1"
assistant_id = "agent-1"
[backend.langgraph.profiles."two words"]
assistant_id = "agent-2"
http2_enabled = false
[backend.langgraph.profiles.empty]
)");
  ASSERT_TRUE(status.ok()) << status.error().message;
  ASSERT_EQ(config.langgraph_profiles.size(), 2u);
  config.langgraph_api_key = "from the environment";
  const Config own = with_profile(config, kLangGraphProfiles, config.langgraph_profiles.at("two words"));
  EXPECT_EQ(own.langgraph_assistant_id, "agent-2");
  EXPECT_FALSE(own.langgraph_http2);
  EXPECT_EQ(own.langgraph_api_base, "http://localhost:1");
  EXPECT_EQ(own.langgraph_api_key, "from the environment");
  const Config same = with_profile(config, kLangGraphProfiles, config.langgraph_profiles.at("empty"));
  EXPECT_EQ(same.langgraph_assistant_id, "agent-1");
}

TEST_F(ConfigFileTest, PrintsProfilesWithoutTheirSecrets) {
  ASSERT_TRUE(
      read("[backend.langgraph.profiles.\"a.b\"]\nh2c = true\napi_base = \"http://x\"\napi_key = \"lgk-1\"\n").ok());
  const std::string printed = config_file_text(config);
  EXPECT_EQ(printed.find("lgk-1"), std::string::npos);
  config = Config{};
  const Status again = read(printed);
  ASSERT_TRUE(again.ok()) << again.error().message << printed;
  EXPECT_EQ(config.langgraph_profiles.at("a.b"), (ProfileTexts{{"api_base", "http://x"}, {"h2c", "true"}}));
}

TEST_F(ConfigFileTest, TakesAProfilesKeyFromAFileOfItsOwn) {
  std::ofstream(directory.file("key")) << "lgk-2\n";
  ASSERT_TRUE(read("[backend.langgraph.profiles.p]\napi_key_file = \"" + directory.file("key") + "\"\n").ok());
  ASSERT_TRUE(read_profile_secrets(config).ok());
  config.langgraph_api_key = "lgk-1";
  const Config own = with_profile(config, kLangGraphProfiles, config.langgraph_profiles.at("p"));
  EXPECT_EQ(own.langgraph_api_key, "lgk-2");
  EXPECT_EQ(config_file_text(config).find("lgk-2"), std::string::npos);

  std::filesystem::remove(directory.file("key"));
  EXPECT_EQ(read_profile_secrets(config).error().message.find(
                path + ":2: backend.langgraph.profiles.p.api_key_file: cannot read the key in"),
            0u);
}

TEST_F(ConfigFileTest, ReadsHooksThatTakeWhatTheyLeaveOutFromTheirSection) {
  std::ofstream(directory.file("secret")) << "whsec_Yg==\n";
  const Status status = read("[answers.hooks]\nurl = \"http://one/\"\ntimeout_ms = 7\n[answers.hooks.chat]\n"
                             "url = \"http://two/\"\nsecret_file = \"" + directory.file("secret") + "\"\n"
                             "[answers.hooks.log]\n");
  ASSERT_TRUE(status.ok()) << status.error().message;
  ASSERT_TRUE(read_profile_secrets(config).ok());
  ASSERT_EQ(config.hooks.size(), 2u);
  const Config chat = with_profile(config, kHooks, config.hooks.at("chat"));
  EXPECT_EQ(chat.hook_url, "http://two/");
  EXPECT_EQ(chat.hook_secret, "whsec_Yg==");
  EXPECT_EQ(chat.hook_timeout, Duration(7));
  EXPECT_EQ(with_profile(config, kHooks, config.hooks.at("log")).hook_url, "http://one/");

  const std::string printed = config_file_text(config);
  EXPECT_EQ(printed.find("whsec_"), std::string::npos);
  config = Config{};
  ASSERT_TRUE(read(printed).ok()) << printed;
  EXPECT_EQ(config.hooks.size(), 2u);
  EXPECT_EQ(config.hooks.at("chat").at("url"), "http://two/");
}

TEST_F(ConfigFileTest, SaysWhatIsWrongInAHook) {
  EXPECT_EQ(read("[answers.hooks.chat]\nurk = \"x\"\n").error().message,
            path + ":2: unknown key answers.hooks.chat.urk; did you mean url?");
  EXPECT_EQ(read("[answers.hooks.chat]\nurl = \"ftp://x\"\n").error().message,
            path + ":2: answers.hooks.chat.url must be an http or https URL, not \"ftp://x\"");
  EXPECT_EQ(read("[answers]\nhooks = 7\n").error().message,
            path + ":2: answers.hooks must be a section, with its keys below [answers.hooks]");
}

TEST_F(ConfigFileTest, SaysWhatIsWrongInAProfile) {
  EXPECT_EQ(read("[backend.langgraph.profiles.p]\napi_bass = \"x\"\n").error().message,
            path + ":2: unknown key backend.langgraph.profiles.p.api_bass; did you mean api_base?");
  EXPECT_EQ(read("[backend.langgraph.profiles.p]\nhttp2_enabled = 7\n").error().message,
            path + ":2: backend.langgraph.profiles.p.http2_enabled must be true or false, not \"7\"");
  EXPECT_EQ(read("[backend.langgraph.profiles]\np = 7\n").error().message,
            path + ":2: backend.langgraph.profiles.p must be a table");
  EXPECT_EQ(read("[backend.langgraph]\nprofiles = 7\n").error().message,
            path + ":2: backend.langgraph.profiles must be a table of tables");
}

TEST_F(ConfigFileTest, NamesAFileThatCannotBeRead) {
  const std::string missing = directory.file("none.toml");
  EXPECT_EQ(read_config_file(missing, config).error().message, missing + ": No such file or directory");
  const std::string endless = "/dev/zero";
  EXPECT_EQ(read_config_file(endless, config).error().message, endless + ": is larger than 1048576 bytes");
}

// A container's runtime makes a directory if the file that it should mount is missing. The defaults, and so the mock
// backend, must not take its place.
TEST_F(ConfigFileTest, RefusesADirectory) {
  const Status status = read_config_file(directory.file(""), config);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, directory.file("") + ": Is a directory");
}

}  // namespace
}  // namespace streaming
