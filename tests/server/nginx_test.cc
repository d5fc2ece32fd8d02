// SPDX-License-Identifier: Apache-2.0
// The daemon's HTTP/2 against an independent implementation: nginx, over TLS, in front of the server in
// tests/servers/aimock, with a certificate from the authority in ca_file.

#include "support/nginx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/upstream_server.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr char kWhole[] = "data: [DONE]\n\n";

class NginxTest : public testing::Test {
 protected:
  void start(const std::string& settings, std::vector<std::string> flags = {}) {
    ASSERT_TRUE(upstream.ready());
    nginx = std::make_unique<Nginx>(upstream.origin(), settings);
    flags.insert(flags.end(), {"--backend", "openai", "--openai-base", nginx->origin() + "/v1", "--ca-file",
                               nginx->authority().authority(), "--workers", "2"});
    daemon = std::make_unique<DaemonProcess>(flags, [] { setenv("OPENAI_API_KEY", "sk-of-the-test", 1); });
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  }
  std::vector<UniqueFd> begin(int count, const std::string& prompt) const {
    std::vector<UniqueFd> browsers;
    for (int i = 0; i < count; ++i) browsers.push_back(daemon->hand_client_over("{\"prompt\":\"" + prompt + "\"}"));
    return browsers;
  }
  static void wait_for_first_words(const std::vector<UniqueFd>& browsers, std::vector<std::string>& answers) {
    answers.resize(browsers.size());
    for (std::size_t i = 0; i < browsers.size(); ++i) {
      if (answers[i].empty()) answers[i] = read_until(browsers[i].get(), "\"content\"");
    }
  }
  static int whole(const std::vector<UniqueFd>& browsers) {
    int count = 0;
    for (const UniqueFd& browser : browsers) {
      const std::string answer = read_to_end(browser.get());
      count += answer.ends_with(kWhole) && answer.find("error\"") == std::string::npos;
    }
    return count;
  }

  UpstreamServer upstream;
  std::unique_ptr<Nginx> nginx;
  std::unique_ptr<DaemonProcess> daemon;
};

TEST_F(NginxTest, AllowsFewStreamsAConnectionAndGetsMoreConnections) {
  start("http2_max_concurrent_streams 8;");
  EXPECT_EQ(whole(begin(100, "slow answer")), 100);
  ASSERT_TRUE(eventually([this] { return nginx->seen().requests >= 100; })) << "nginx logs a request behind its answer";
  const Nginx::Seen seen = nginx->seen();
  EXPECT_EQ(seen.protocols, std::set<std::string>{"HTTP/2.0"});
  EXPECT_EQ(seen.requests, 100u) << "none was asked twice";
  EXPECT_GE(seen.connections.size(), 100u / 8);
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_F(NginxTest, EndsAConnectionAfterSoManyRequestsAndLosesNone) {
  start("keepalive_requests 20;");
  for (int round = 0; round < 5; ++round) {
    ASSERT_EQ(whole(begin(60, round % 2 == 0 ? "plain answer" : "uneven answer")), 60);
  }
  EXPECT_EQ(whole(begin(20, "huge event")), 20);
  EXPECT_EQ(whole(begin(20, "long answer")), 20);
  const Nginx::Seen seen = nginx->seen();
  EXPECT_GE(seen.connections.size(), 340u / 20) << "the limit was in force";
  EXPECT_EQ(seen.protocols, std::set<std::string>{"HTTP/2.0"});
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_F(NginxTest, FinishesAllStreamsWhileNginxReloads) {
  start("");
  const std::vector<UniqueFd> before = begin(40, "slow answer");
  std::vector<std::string> first_words;
  wait_for_first_words(before, first_words);
  nginx->reload();
  ASSERT_TRUE(eventually([this] { return nginx->log().find("gracefully shutting down") != std::string::npos; }));
  const std::vector<UniqueFd> after = begin(40, "plain answer");
  EXPECT_EQ(whole(after), 40);
  EXPECT_EQ(whole(before), 40);
  EXPECT_TRUE(eventually([this] { return nginx->log().find("exited with code 0") != std::string::npos; }))
      << "a connection has outlived its streams: " << nginx->log();
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_F(NginxTest, ReportsTruncatedStreamsWhenNginxStops) {
  start("");
  const std::vector<UniqueFd> running = begin(20, "slow answer");
  std::vector<std::string> answers;
  wait_for_first_words(running, answers);
  nginx->stop();
  for (std::size_t i = 0; i < running.size(); ++i) {
    EXPECT_THAT(answers[i] + read_to_end(running[i].get()),
                EndsWith("data: {\"error\":\"The answer broke off.\",\"code\":\"upstream_truncated\"}\n\n"));
  }
  nginx->start();
  EXPECT_EQ(whole(begin(20, "plain answer")), 20) << "of the next one";
  nginx->stop();
  nginx->close_port();
  const std::string refused = read_to_end(begin(1, "plain answer")[0].get());
  EXPECT_THAT(refused,
              EndsWith("data: {\"error\":\"The model cannot be reached.\",\"code\":\"upstream_unreachable\"}\n\n"));
  EXPECT_EQ(daemon->stop(), 0);
  EXPECT_THAT(daemon->log(), HasSubstr("upstream_truncated"));
  EXPECT_THAT(daemon->log(), Not(HasSubstr("sk-")));
}

// nginx's own answer when the server behind it is gone: an HTML page.
TEST_F(NginxTest, SpeaksForAServerThatIsGone) {
  start("");
  upstream.stop();
  EXPECT_THAT(read_to_end(begin(1, "plain answer")[0].get()),
              EndsWith("data: {\"error\":\"The model failed.\",\"code\":\"upstream_failed\"}\n\n"));
  EXPECT_TRUE(daemon->logs("status 502"));
}

TEST_F(NginxTest, RefusesNginxsCertificateOfAnotherAuthority) {
  const TestAuthority other;
  start("", {});
  DaemonProcess suspicious(
      {"--backend", "openai", "--openai-base", nginx->origin() + "/v1", "--ca-file", other.authority()});
  ASSERT_TRUE(suspicious.ready());
  EXPECT_THAT(read_to_end(suspicious.hand_client_over(R"({"prompt":"plain answer"})").get()),
              HasSubstr("The model cannot be reached."));
  EXPECT_EQ(nginx->seen().requests, 0u);
}

}  // namespace
}  // namespace streaming
