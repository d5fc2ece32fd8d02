// SPDX-License-Identifier: Apache-2.0
// The daemon's formats, read by independent clients (tests/clients) through Apache, the module and PHP, with the
// answers of an independent server (tests/servers/aimock).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/site.h"
#include "support/upstream_server.h"

namespace streaming {
namespace {

class ClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string_view(HANDOFF_MODULE).empty()) GTEST_SKIP() << "httpd is not built for this sanitizer";
    ASSERT_TRUE(upstream.ready());
  }

  // The script's exit status; its output goes to the standard output.
  int run(const std::string& script, const std::vector<std::string>& flags = {}, bool early_head = true) {
    std::vector<std::string> all{"--backend",
                                 "openai",
                                 "--openai-base",
                                 upstream.base(),
                                 "--anthropic-base",
                                 upstream.origin(),
                                 "--delay",
                                 "1",
                                 "--socket-mode",
                                 "0666",
                                 "--idle-timeout-ms",
                                 "2000",
                                 "--heartbeat-interval-ms",
                                 "40"};
    all.insert(all.end(), flags.begin(), flags.end());
    DaemonProcess daemon(all, [early_head] {
      setenv("DAEMON_RESPONSE_DONE_EVENT", "true", 1);
      setenv("DAEMON_RESPONSE_EARLY_HEAD", early_head ? "true" : "false", 1);
      setenv("OPENAI_API_KEY", kKey, 1);
      setenv("ANTHROPIC_API_KEY", kKey, 1);
    });
    EXPECT_TRUE(daemon.ready()) << daemon.log();
    const Site site(daemon.socket());
    if (!site.ready()) return -1;
    const std::string command = "PORT=" + std::to_string(site.port()) + " UPSTREAM=" + upstream.origin() +
                                " KEY=" + kKey + " '" SOURCE_DIR "/tests/servers/aimock/node' --test '" SOURCE_DIR
                                "/tests/clients/" + script + "' 2>&1";
    const int status = std::system(command.c_str());
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_THAT(daemon.log(), testing::Not(testing::HasSubstr("sk-")));
    return status;
  }

  const UpstreamServer& upstream = UpstreamServer::shared();
};

TEST_F(ClientsTest, OfVercelsSdkReadUiMessages) {
  EXPECT_EQ(run("ui-message.mjs"), 0);
}

TEST_F(ClientsTest, OfEventStreamsReadEveryFormat) {
  EXPECT_EQ(run("event-source.mjs"), 0);
}

TEST_F(ClientsTest, OfOpenAiReadChatCompletions) {
  EXPECT_EQ(run("openai-chat.mjs"), 0);
}

TEST_F(ClientsTest, OfOpenAiReadResponses) {
  EXPECT_EQ(run("openai-responses.mjs", {"--openai-api", "responses"}), 0);
}

TEST_F(ClientsTest, OfAnthropicReadMessages) {
  EXPECT_EQ(run("anthropic.mjs"), 0);
}

TEST_F(ClientsTest, OfVendorsTellAStatusThatTheHeadWasHeldBackFor) {
  EXPECT_EQ(run("statuses.mjs", {}, false), 0);
}

}  // namespace
}  // namespace streaming
