// SPDX-License-Identifier: Apache-2.0
// The budget of tokens that a user's answers have, charged by what each API reports.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/scripted_apis.h"
#include "support/two_hosts.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kAnna = R"({"prompt":"hi","user_id":"anna"})";

// Each of the answers reports two tokens of input and four of output, unless it is to report none.
void give_answer(ScriptedServer::Answer& to, const std::string& body, const std::string& request) {
  to.head(200, {{"content-type", "text/event-stream"}});
  const std::size_t usage = body.find("data: {\"choices\":[],\"usage\"");
  const bool reports = request.find("reports nothing") == std::string::npos || usage == std::string::npos;
  to.send(reports ? body : body.substr(0, usage) + "data: [DONE]\n\n");
  to.end();
}

class TokenBudget : public testing::TestWithParam<ApiAndEngine> {
 protected:
  const ScriptedApi& api() const { return std::get<0>(GetParam()); }
  std::string ask(const char* payload = kAnna) const { return read_to_end(daemon->hand_client_over(payload).get()); }
  // The first answer that is one: a stream is charged when it has ended, which its client may know a little earlier.
  std::string refusal() const {
    std::string answer;
    EXPECT_TRUE(eventually([&] {
      answer = ask();
      return answer.starts_with("HTTP/1.1 429 ");
    }));
    return answer;
  }

  TestCertificate certificate;
  std::unique_ptr<ScriptedServer> server = ScriptedServer::start(
      std::get<1>(GetParam()), certificate, [this](ScriptedServer::Answer& to, const std::string& request) {
        give_answer(to, api().body, request);
      });
  std::unique_ptr<DaemonProcess> daemon =
      daemon_that_asks(*server, certificate, api(),
                       {"--user-token-budget", "12", "--user-token-window-s", "600", "--metrics-addr", "127.0.0.1:0"});
};

TEST_P(TokenBudget, IsChargedByTheApisUsageAndRefusesWhenItIsUsedUp) {
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 200 ")) << "six of twelve are left";
  const std::string refused = refusal();
  EXPECT_TRUE(refused.find("\r\nRetry-After: 600\r\n") != std::string::npos ||
              refused.find("\r\nRetry-After: 59") != std::string::npos)
      << refused;
  EXPECT_TRUE(daemon->logs("a client is refused with 429: the budget of tokens is used up")) << daemon->log();
  EXPECT_THAT(ask(R"({"prompt":"hi","user_id":"otto"})"), StartsWith("HTTP/1.1 200 ")) << "it is anna's";
  EXPECT_THAT(ask(R"({"prompt":"hi"})"), StartsWith("HTTP/1.1 200 "));
}

TEST_P(TokenBudget, IsChargedForKeptAnswersToo) {
  EXPECT_THAT(ask(R"({"prompt":"hi","user_id":"anna","answer_id":"a"})"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(R"({"prompt":"hi","user_id":"anna","answer_id":"b"})"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(R"({"prompt":"hi","user_id":"anna","answer_id":"c"})"), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(ask(R"({"prompt":"hi","user_id":"anna","answer_id":"a"})"), StartsWith("HTTP/1.1 200 ")) << "it is read";
}

INSTANTIATE_TEST_SUITE_P(OfEachApi, TokenBudget,
                         testing::Combine(testing::Values(kChatApi, kResponsesApi, kMessagesApi),
                                          testing::Values(HttpEngine::kHttp1, HttpEngine::kHttp2OverTls)),
                         api_and_engine_name);

class TokenBudgetOfChat : public TokenBudget {};

TEST_P(TokenBudgetOfChat, IsNotChargedForWhatTheApiDoesNotReport) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(ask(R"({"prompt":"reports nothing","user_id":"anna"})"), EndsWith("data: [DONE]\n\n")) << daemon->log();
  }
}

INSTANTIATE_TEST_SUITE_P(OfTheApi, TokenBudgetOfChat,
                         testing::Values(ApiAndEngine{kChatApi, HttpEngine::kHttp1}), api_and_engine_name);

struct ChatServer {
  TestCertificate certificate;
  std::unique_ptr<ScriptedServer> server =
      ScriptedServer::start(HttpEngine::kHttp1, certificate, [](ScriptedServer::Answer& to, const std::string& request) {
        give_answer(to, kChatApi.body, request);
      });
};

class SharedTokenBudget : public ChatServer, public TwoHosts {
 protected:
  SharedTokenBudget()
      : TwoHosts({"--backend", "openai", "--openai-base", server->origin() + "/v1", "--limits-shared", "true",
                  "--user-token-budget", "12"}) {
    variables["OPENAI_API_KEY"] = "sk-of-the-test";
  }

  // With all workers connected to the store.
  void SetUp() override {
    TwoHosts::SetUp();
    ASSERT_TRUE(eventually([this] { return command("KEYS *:alive").starts_with("*4\r\n"); }));
  }
};

TEST_F(SharedTokenBudget, IsOneForAllHosts) {
  EXPECT_THAT(answer_of(*here, kAnna), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer_of(*there, kAnna), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(eventually([&] { return command("GET socket-handoff:user:{anna}:tokens") == "$2\r\n12\r\n"; }));
  for (const auto* host : {&*here, &*there}) {
    const std::string refused = answer_of(*host, kAnna);
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 86"));
  }
}

TEST_F(SharedTokenBudget, IsEachHostsOwnWhileTheStoreIsGone) {
  store.stop();
  for (const auto* host : {&*here, &*there}) {
    EXPECT_THAT(answer_of(*host, kAnna), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer_of(*host, kAnna), StartsWith("HTTP/1.1 200 "));
    EXPECT_TRUE(eventually([&] { return answer_of(*host, kAnna).starts_with("HTTP/1.1 429 "); }));
  }
  store.start();
  // As much as both have charged, and perhaps what was still to be charged when the last ones began.
  EXPECT_TRUE(eventually([&] {
    const std::string tokens = command("GET socket-handoff:user:{anna}:tokens");
    return tokens.starts_with("$2\r\n") && std::stoi(tokens.substr(4)) >= 24;
  }));
}

}  // namespace
}  // namespace streaming
