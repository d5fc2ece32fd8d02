// SPDX-License-Identifier: Apache-2.0
// Each of the daemon's APIs against an independent server (tests/servers/aimock).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/upstream_server.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

struct Api {
  const char* name;
  std::vector<std::string> flags;
};

class ApisEndToEndTest : public testing::TestWithParam<Api> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(upstream.ready());
    ASSERT_TRUE(daemon.ready()) << daemon.log();
  }

  // The answer's events, from the first on.
  std::string ask(const std::string& prompt) const {
    const std::string payload = "{\"prompt\":\"" + prompt + "\"}";
    const std::string answer = read_to_end(daemon.hand_client_over(payload).get());
    const std::size_t body = answer.find("\n\n");
    return body == std::string::npos ? answer : answer.substr(body + 2);
  }

  const UpstreamServer& upstream = UpstreamServer::shared();
  DaemonProcess daemon{GetParam().flags, [this] {
                         setenv("OPENAI_API_KEY", kKey, 1);
                         setenv("ANTHROPIC_API_KEY", kKey, 1);
                         setenv("OPENAI_API_BASE", upstream.base().c_str(), 1);
                         setenv("ANTHROPIC_API_BASE", upstream.origin().c_str(), 1);
                       }};
};

TEST_P(ApisEndToEndTest, StreamsTheAnswer) {
  EXPECT_EQ(ask("plain answer"),
            "data: {\"content\":\"Hello \"}\n\ndata: {\"content\":\"from t\"}\n\ndata: {\"content\":\"he ups\"}\n\n"
            "data: {\"content\":\"tream.\"}\n\ndata: [DONE]\n\n");
}

TEST_P(ApisEndToEndTest, JoinsCharactersThatTheServerCutsInTwo) {
  EXPECT_EQ(ask("split emoji"),
            "data: {\"content\":\"a\"}\n\ndata: {\"content\":\"😀\"}\n\ndata: {\"content\":\"b\"}\n\n"
            "data: {\"content\":\"𝄞\"}\n\ndata: {\"content\":\"c\"}\n\ndata: [DONE]\n\n");
}

TEST_P(ApisEndToEndTest, KeepsWhatTheModelThinksOutOfTheAnswer) {
  const std::string events = ask("reasoned answer");
  EXPECT_THAT(events, HasSubstr("42"));
  EXPECT_THAT(events, Not(HasSubstr("seven")));
  EXPECT_THAT(events, EndsWith("data: [DONE]\n\n"));
}

TEST_P(ApisEndToEndTest, ShowsFailuresAsErrorsAndTellsNobodyTheKeyOrThePrompt) {
  for (const char* prompt : {"bad key", "rate limited", "server error", "no answer", "cut short", "malformed answer"}) {
    const std::string events = ask(prompt);
    EXPECT_THAT(events, HasSubstr("data: {\"error\":\"")) << prompt;
    EXPECT_THAT(events, Not(HasSubstr("[DONE]"))) << prompt;
    EXPECT_THAT(events, Not(HasSubstr("sk-"))) << prompt;
  }
  ask("plain answer");
  EXPECT_EQ(daemon.stop(), 0);
  for (const char* secret : {"sk-", "rate limited", "cut short", "plain answer", "from t", "This ", "sentence"}) {
    EXPECT_THAT(daemon.log() + daemon.output(), Not(HasSubstr(secret)));
  }
}

INSTANTIATE_TEST_SUITE_P(Over, ApisEndToEndTest,
                         testing::Values(Api{"Chat", {"--backend", "openai"}},
                                         Api{"Responses", {"--backend", "openai", "--openai-api", "responses"}},
                                         Api{"Messages", {"--backend", "anthropic"}}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace streaming
