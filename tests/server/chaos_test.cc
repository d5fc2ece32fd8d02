// SPDX-License-Identifier: Apache-2.0
// The faults of the server in tests/servers/aimock (npm's @copilotkit/aimock: its chaos and latency switches), on every
// request or at random: each answer is complete or reports that it is not, and is counted accordingly.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/http_get.h"
#include "support/upstream_server.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr char kText[] = "Hello \"}\n\ndata: {\"content\":\"from t\"}\n\ndata: {\"content\":\"he ups\"}\n\n";

class ChaosTest : public testing::Test {
 protected:
  void start(std::vector<std::string> flags = {}) {
    ASSERT_TRUE(upstream.ready());
    flags.insert(flags.end(), {"--backend", "openai", "--openai-base", upstream.base(), "--anthropic-base",
                               upstream.origin(), "--metrics-addr", "127.0.0.1:0", "--delay", "1"});
    daemon = std::make_unique<DaemonProcess>(flags, [] {
      setenv("OPENAI_API_KEY", "sk-of-the-test", 1);
      setenv("ANTHROPIC_API_KEY", "sk-of-the-test", 1);
    });
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  }
  std::string ask(const std::string& more) const {
    return read_to_end(daemon->hand_client_over("{\"prompt\":\"plain answer\"" + more + "}").get());
  }
  int ended_by(const std::string& cause) const {
    const std::string metrics = http_get(daemon->monitor_port(), "/metrics");
    const std::string name = "\ndaemon_streams_ended_total{cause=\"" + cause + "\"} ";
    const std::size_t at = metrics.find(name);
    return at == std::string::npos ? 0 : std::atoi(metrics.c_str() + at + name.size());
  }

  UpstreamServer upstream;
  std::unique_ptr<DaemonProcess> daemon;
};

TEST_F(ChaosTest, ReportsTheCauseOfEachUpstreamFailure) {
  start();
  struct Fault {
    const char* faults;
    const char* cause;
    const char* message;
  };
  for (const Fault& fault :
       {Fault{R"({"dropRate":1})", "upstream_status", "The model failed."},
        Fault{R"({"malformedRate":1})", "upstream_malformed", "The model's answer cannot be read."},
        Fault{R"({"rateLimitRate":1})", "upstream_status", "The model is busy, try again soon."},
        Fault{R"({"disconnectRate":1})", "upstream_unreachable", "The model cannot be reached."}}) {
    upstream.set_chaos(fault.faults);
    const int before = ended_by(fault.cause);
    for (const char* backend : {"openai", "anthropic"}) {
      const std::string answer = ask(std::string(",\"backend\":\"") + backend + "\"");
      EXPECT_THAT(answer, AllOf(HasSubstr(std::string("data: {\"error\":\"") + fault.message), EndsWith("}\n\n")));
      EXPECT_THAT(answer, Not(HasSubstr("[DONE]"))) << fault.faults;
    }
    EXPECT_TRUE(eventually([&] { return ended_by(fault.cause) == before + 2; })) << fault.faults;
    EXPECT_TRUE(daemon->logs(fault.cause));
  }
  upstream.set_chaos(R"({"latencyMs":300})");
  EXPECT_THAT(ask(""), AllOf(HasSubstr(kText), EndsWith("data: [DONE]\n\n"))) << "late is not broken";
}

TEST_F(ChaosTest, ByChanceLeavesNoAnswerBetweenWholeAndBroken) {
  start();
  upstream.set_chaos(R"({"dropRate":0.2,"malformedRate":0.2,"disconnectRate":0.2,"latencyMs":20})");
  std::vector<UniqueFd> browsers;
  constexpr int kClients = 200;
  for (int i = 0; i < kClients; ++i) {
    browsers.push_back(
        daemon->hand_client_over(i % 2 == 0 ? R"({"prompt":"plain answer"})" : R"({"prompt":"cut short"})"));
  }
  int whole = 0, broken = 0;
  for (const UniqueFd& browser : browsers) {
    const std::string answer = read_to_end(browser.get());
    whole += answer.ends_with("data: [DONE]\n\n") && answer.find(kText) != std::string::npos;
    broken += answer.ends_with("}\n\n") && answer.find("data: {\"error\":\"") != std::string::npos &&
              answer.find("[DONE]") == std::string::npos;
  }
  EXPECT_GT(whole, 0);
  EXPECT_EQ(whole + broken, kClients);
  EXPECT_TRUE(eventually([&] { return ended_by("completed") == whole; }));
  EXPECT_TRUE(eventually([&] {
    return ended_by("upstream_status") + ended_by("upstream_malformed") + ended_by("upstream_unreachable") +
               ended_by("upstream_truncated") ==
           broken;
  }));
  EXPECT_GT(ended_by("upstream_truncated"), 0);
}

TEST_F(ChaosTest, BeforeTheFirstWordIsHiddenByAnotherBackend) {
  start({"--fallback", "mock"});
  upstream.set_chaos(R"({"dropRate":0.3,"malformedRate":0.3,"rateLimitRate":0.3,"disconnectRate":0.5})");
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < 60; ++i) browsers.push_back(daemon->hand_client_over(R"({"prompt":"plain answer"})"));
  for (const UniqueFd& browser : browsers) {
    const std::string answer = read_to_end(browser.get());
    EXPECT_THAT(answer, AllOf(EndsWith("data: [DONE]\n\n"), Not(HasSubstr("error\""))));
  }
}

TEST_F(ChaosTest, OfThePaceChangesNothing) {
  start();
  const std::string answer = read_to_end(daemon->hand_client_over(R"({"prompt":"uneven answer"})").get());
  EXPECT_THAT(answer, AllOf(HasSubstr("data: {\"content\":\"No\"}\n\n"), EndsWith("data: [DONE]\n\n")));
}

}  // namespace
}  // namespace streaming
