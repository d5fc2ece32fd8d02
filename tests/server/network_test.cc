// SPDX-License-Identifier: Apache-2.0
// The daemon in networks that break without notice: no FIN, no RST, only packets that do not arrive.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/http2_browser.h"
#include "support/mock_answer.h"
#include "support/scripted_apis.h"
#include "support/test_network.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using Trouble = TestNetwork::Trouble;
using Answer = ScriptedServer::Answer;

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!network.why_not().empty()) GTEST_SKIP() << network.why_not();
  }

  UniqueFd hand_over_from_far_side(const DaemonProcess& daemon, const std::string& payload) const {
    auto [client, browser] = network.client_and_browser();
    daemon.hand_over(payload, {client.get()});
    return std::move(browser);
  }

  TestNetwork network;
  TestCertificate certificate;
};

// --- Clients --------------------------------------------------------------------------------------------------------

TEST_F(NetworkTest, ClientsThatVanishAreLetGoOfAndTheirRequestsCancelled) {
  std::unique_ptr<ScriptedServer> api;
  network.at_host([&] {
    api = ScriptedServer::start(HttpEngine::kHttp1, certificate, [](Answer& to, const std::string& request) {
      to.head(200, {{"content-type", "text/event-stream"}});
      if (request.find("hi") != std::string::npos) to.send("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
      to.wait_for_cancel();
    });
  });
  const auto daemon = daemon_that_asks(*api, certificate, kChatApi,
                                       {"--delay", "0", "--write-timeout-ms", "300", "--heartbeat-interval-ms", "50"},
                                       [this] { network.move_to_host(); });
  const UniqueFd waiting = hand_over_from_far_side(*daemon, R"({"prompt":"wait"})");
  const UniqueFd answered = hand_over_from_far_side(*daemon, R"({"prompt":"hi"})");
  read_until(waiting.get(), "\r\n\r\n");
  read_until(answered.get(), "Hi");
  auto [client, at_the_end] = network.client_and_browser();
  network.set(Trouble::kCut);
  daemon->hand_over(R"({"backend":"mock"})", {client.get()});  // its whole answer is sent at once
  client.reset();
  EXPECT_TRUE(eventually([&] { return occurrences(daemon->log(), " cause=write_timeout ") == 3; })) << daemon->log();
  EXPECT_TRUE(eventually([&] { return api->cancels == 2; })) << api->cancels;
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_F(NetworkTest, ClientsOverHttp2ThatVanishAreLetGoOfLikewise) {
  DaemonProcess daemon({"--delay", "0", "--write-timeout-ms", "300", "--heartbeat-interval-ms", "50"},
                       [this] { network.move_to_host(); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (const bool over_tls : {false, true}) {
    Http2Browser waiting(over_tls), at_the_end(over_tls);
    Http2Browser full(over_tls, {.initial_window = 10});
    waiting.hand_over(daemon, R"({"backend":"hold"})", network.client_and_browser());
    full.hand_over(daemon, R"({"backend":"mock"})", network.client_and_browser());
    for (Http2Browser* browser : {&waiting, &full}) {
      while (browser->http2.body().empty() && browser->turn()) {
      }
    }
    Http2Browser::Sockets sockets = network.client_and_browser();
    network.set(Trouble::kCut);
    at_the_end.hand_over(daemon, R"({"backend":"mock"})", std::move(sockets));  // its whole answer is sent at once
    EXPECT_TRUE(eventually([&] { return occurrences(daemon.log(), " cause=write_timeout ") == (over_tls ? 6u : 3u); }))
        << daemon.log();
    network.set(Trouble::kNone);
  }
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(NetworkTest, AnOutageThatIsShorterThanTheWriteTimeoutCostsNoClientAnything) {
  DaemonProcess daemon({"--delay", "0"}, [this] { network.move_to_host(); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  auto [client, browser] = network.client_and_browser();
  network.set(Trouble::kCut);
  daemon.hand_over("{}", {client.get()});
  client.reset();
  ASSERT_TRUE(eventually([&] { return network.lost() > 0; }));
  network.set(Trouble::kNone);
  EXPECT_TRUE(is_whole(read_to_end(browser.get())));
  browser.reset();
  EXPECT_TRUE(daemon.logs(" cause=completed ")) << daemon.log();
  EXPECT_EQ(daemon.stop(), 0);
}

// --- APIs -----------------------------------------------------------------------------------------------------------

class ApiNetworkTest : public NetworkTest, public testing::WithParamInterface<HttpEngine> {
 protected:
  // An API on the far side, reached by name or address, and the daemon that uses it.
  void start(const std::string& host, const std::vector<std::string>& flags) {
    network.at_far_side([&] {
      api = ScriptedServer::start(
          GetParam(), certificate, [this](Answer& to, const std::string& request) { answer(to, request); },
          kFarAddress);
    });
    std::vector<std::string> all{"--backend",   "openai",
                                 "--openai-base", "http://" + host + ":" + std::to_string(api->port()) + "/v1"};
    all.insert(all.end(), flags.begin(), flags.end());
    daemon.emplace(all, [this] {
      network.move_to_host();
      know_the_hosts();
      setenv("OPENAI_API_KEY", "sk-of-the-test", 1);
      setenv("OPENAI_H2C", GetParam() == HttpEngine::kHttp2 ? "true" : "false", 1);
    });
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  }

  UniqueFd begin(const std::string& prompt) const {
    return daemon->hand_client_over("{\"prompt\":\"" + prompt + "\"}");
  }
  std::string ask() const { return read_to_end(begin("all of it").get()); }

  // The part of a long answer between its first event and its end.
  static std::string events() {
    std::string events;
    for (int i = 0; i < 300; ++i) {
      events += "data: {\"choices\":[{\"delta\":{\"content\":\"" + std::to_string(i) + std::string(200, 'x') + "\"}}]}\n\n";
    }
    return events;
  }
  static constexpr char kEnd[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

  std::unique_ptr<ScriptedServer> api;
  std::optional<DaemonProcess> daemon;

 private:
  void answer(Answer& to, const std::string& request) const {
    to.head(200, {{"content-type", "text/event-stream"}});
    to.send("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
    if (request.find("the beginning") != std::string::npos) return to.wait_for_cancel();
    to.send(events());
    to.send(kEnd);
    to.end();
  }

  // In the daemon's process only.
  void know_the_hosts() const {
    std::ofstream(hosts) << kFarAddress6 << " api.test\n" << kFarAddress << " api.test\n";
    EXPECT_EQ(unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQ(mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr), 0);
  }

  TemporaryDirectory directory_;
  const std::string hosts = directory_.file("hosts");
};

TEST_P(ApiNetworkTest, AnApiThatVanishesIsAnErrorInTimeAndIsAskedAgainWhenItIsBack) {
  start(kFarAddress, {"--first-byte-timeout-ms", "400", "--idle-timeout-ms", "400"});
  network.set(Trouble::kCut);
  EXPECT_THAT(ask(),
              EndsWith("data: {\"error\":\"The model did not answer in time.\",\"code\":\"first_byte_timeout\"}\n\n"))
              << "before it connects";
  network.set(Trouble::kNone);
  EXPECT_TRUE(eventually([this] { return ask().ends_with("data: [DONE]\n\n"); })) << daemon->log();

  UniqueFd browser;
  ASSERT_TRUE(eventually([&] {
    browser = begin("the beginning");
    std::string answer, more;
    do {
      more = read_some(browser.get());
      answer += more;
    } while (!more.empty() && answer.find("Hi") == std::string::npos);
    return !more.empty();
  })) << daemon->log();
  network.set(Trouble::kCut);
  EXPECT_THAT(read_to_end(browser.get()),
              EndsWith("data: {\"error\":\"The model fell silent.\",\"code\":\"idle_timeout\"}\n\n"));
  network.set(Trouble::kNone);
  EXPECT_TRUE(eventually([this] { return ask().ends_with("data: [DONE]\n\n"); })) << daemon->log();
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_P(ApiNetworkTest, AnApiWhoseFirstAddressIsABlackHoleIsAskedAtItsSecond) {
  start("api.test", {});
  network.set(Trouble::kNoIp6);
  EXPECT_THAT(ask(), EndsWith("data: [DONE]\n\n")) << daemon->log();
  EXPECT_GT(network.lost(), 0) << "the first address was tried";
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_P(ApiNetworkTest, AnswersAreWholeWherePacketsAreLostLateAndOutOfOrder) {
  constexpr int kClients = 12;
  start(kFarAddress, {"--delay", "1"});
  std::vector<std::pair<UniqueFd, UniqueFd>> clients;
  for (int i = 0; i < 2 * kClients; ++i) clients.push_back(network.client_and_browser());
  network.set(Trouble::kLossy);
  for (int i = 0; i < 2 * kClients; ++i) {
    daemon->hand_over(i < kClients ? R"({"backend":"mock"})" : R"({"format":"raw"})", {clients[i].first.get()});
    clients[i].first.reset();
  }
  for (int i = 0; i < 2 * kClients; ++i) {
    const std::string answer = read_to_end(clients[i].second.get());
    if (i < kClients) {
      EXPECT_TRUE(is_whole(answer)) << answer;
    } else {
      EXPECT_THAT(answer, AllOf(HasSubstr(events()), EndsWith(kEnd)));
    }
  }
  EXPECT_GT(network.lost(), kClients);
  EXPECT_EQ(daemon->stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Of, ApiNetworkTest, testing::Values(HttpEngine::kHttp1, HttpEngine::kHttp2), engine_name);

}  // namespace
}  // namespace streaming
