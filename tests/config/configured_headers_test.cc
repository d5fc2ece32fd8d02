// SPDX-License-Identifier: Apache-2.0
#include "config/configured_headers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/command_line.h"
#include "config/config_file.h"
#include "config/profile.h"
#include "config/user_agent.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

TEST(ConfiguredHeaders, AreReadFromATableWithSecretsInFiles) {
  TemporaryDirectory directory;
  std::ofstream(directory.file("secret")) << "s-1\n";
  Result<ConfiguredHeaders> headers =
      parse_headers("{ anthropic-beta = \"a,b\", X-Portkey-Api-Key = { file = \"" + directory.file("secret") + "\" } }");
  ASSERT_TRUE(headers.ok()) << headers.error().message;
  ASSERT_TRUE(read_header_files(*headers).ok());
  EXPECT_EQ(headers->at("anthropic-beta").value, "a,b");
  EXPECT_EQ(headers->at("X-Portkey-Api-Key").value, "s-1");
  EXPECT_TRUE(has_header(*headers, "x-portkey-api-key"));

  std::filesystem::remove(directory.file("secret"));
  EXPECT_EQ(read_header_files(*headers).error().message.find("X-Portkey-Api-Key: cannot read the key in "), 0u);
}

TEST(ConfiguredHeaders, AreWrittenAsTheyAreReadButForSecrets) {
  const ConfiguredHeaders headers{{"HTTP-Referer", {"https://a.example/?q=\"1\"", ""}},
                                  {"X-Api-Key", {"k-1", ""}},
                                  {"X-File", {"k-2", "/run/secret"}}};
  EXPECT_EQ(parse_headers(headers_text(headers, Secrets::kWith)).value(), headers);
  const std::string printed = headers_text(headers, Secrets::kWithout);
  const ConfiguredHeaders known{{"HTTP-Referer", {"https://a.example/?q=\"1\"", ""}}, {"X-File", {"", "/run/secret"}}};
  EXPECT_EQ(parse_headers(printed).value(), known) << printed;
}

TEST(ConfiguredHeaders, MustBeHeadersThatTheDaemonDoesNotSetItself) {
  const auto mistake = [](const std::string& text) { return parse_headers(text).error().message; };
  const std::string table =
      "must be a table of headers: { NAME = \"VALUE\", NAME = { file = \"/PATH/OF/A/SECRET\" } }";
  for (const char* text : {"", "7", "\"a\"", "{ a = 1 }", "{ a = { fle = \"x\" } }", "{ a = \"b\" }\nb = 1"}) {
    EXPECT_EQ(mistake(text), table) << text;
  }
  EXPECT_EQ(mistake("{ \"a b\" = \"x\" }"), "has \"a b\", which is not the name of a header");
  EXPECT_EQ(mistake("{ content-length = \"7\" }"), "has content-length, which the daemon sets itself");
  EXPECT_EQ(mistake("{ user-agent = \"x\" }"), "has user-agent, which the daemon sets itself");
  EXPECT_EQ(mistake("{ a = \"x\", A = \"y\" }"), "has a twice");
  EXPECT_EQ(mistake("{ a = \"secret\\nX: y\" }"), "has control characters in the value of a");
  EXPECT_EQ(mistake("{ a = \"\" }"), "has no value for a");
  EXPECT_EQ(mistake("{ a = \"" + std::string(kMaxConfiguredHeaderBytes + 1, 'x') + "\" }"),
            "has a value of more than 8192 bytes for a");
  std::string many;
  for (std::size_t i = 0; i <= kMaxConfiguredHeaders; ++i) many += "x-" + std::to_string(i) + " = \"1\", ";
  EXPECT_EQ(mistake("{ " + many + " last = \"1\" }"), "must be at most 32 headers");
}

TEST(ConfiguredHeaders, OfAProfileTakeThePlaceOfItsBackends) {
  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(directory.file("secret")) << "s-1\n";
  std::ofstream(path) << R"(
[backend.langgraph.headers]
Authorization = "Bearer b"
[backend.langgraph.profiles.p.headers]
X-Tenant = "t"
X-Secret = { file = ")" + directory.file("secret") + R"(" }
[backend.langgraph.profiles.q]
h2c = true
)";
  Result<CommandLine> line = [&] {
    const char* arguments[] = {"streaming-daemon", "--config", path.c_str(), "--print-config"};
    return read_command_line(4, arguments);
  }();
  ASSERT_TRUE(line.ok()) << line.error().message;
  const Config& config = line->config;
  const Config p = with_profile(config, kLangGraphProfiles, config.langgraph_profiles.at("p"));
  EXPECT_EQ(p.langgraph_headers.at("X-Secret").value, "s-1");
  EXPECT_EQ(p.langgraph_headers.at("X-Tenant").value, "t");
  EXPECT_FALSE(has_header(p.langgraph_headers, "Authorization"));
  const Config q = with_profile(config, kLangGraphProfiles, config.langgraph_profiles.at("q"));
  EXPECT_TRUE(has_header(q.langgraph_headers, "Authorization"));
  const std::string printed = line->to_print.value();
  EXPECT_EQ(printed.find("s-1"), std::string::npos);
  EXPECT_EQ(printed.find("Bearer b"), std::string::npos);
  EXPECT_NE(printed.find("X-Tenant"), std::string::npos) << printed;

  std::filesystem::remove(directory.file("secret"));
  const char* arguments[] = {"streaming-daemon", "--config", path.c_str()};
  const std::string message = read_command_line(3, arguments).error().message;
  EXPECT_NE(message.find("backend.langgraph.profiles.p.headers: X-Secret: cannot read"), std::string::npos) << message;
}

TEST(UserAgent, SendsTheDaemonsUserAgentUnlessAnotherIsConfigured) {
  Config config;
  EXPECT_EQ(user_agent(config).find("streaming-daemon/"), 0u);
  config.backend_user_agent = "mine/1";
  EXPECT_EQ(user_agent(config), "mine/1");
}

}  // namespace
}  // namespace streaming
