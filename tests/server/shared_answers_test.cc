// SPDX-License-Identifier: Apache-2.0
// Kept answers of two daemons, as on two hosts, that share them through a real store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/store_server.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SharedAnswers : public testing::Test {
 protected:
  void SetUp() override {
    for (std::optional<DaemonProcess>* host : {&here, &there}) start(*host);
  }
  void start(std::optional<DaemonProcess>& host) {
    host.emplace(std::vector<std::string>{"--delay", "30", "--workers", "2"},
                 [this] {
                   setenv("DAEMON_STORE_URL", store.url().c_str(), 1);
                   setenv("DAEMON_STORE_PASSWORD", "secret", 1);
                 });
    ASSERT_TRUE(host->ready()) << host->log();
  }

  static std::string text_of(const UniqueFd& browser) {
    const std::string answer = read_to_end(browser.get());
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? answer : answer.substr(end + 4);
  }
  static std::string answer_of(const DaemonProcess& host, const std::string& payload) {
    return read_to_end(host.hand_client_over(payload).get());
  }
  // Without what was read of it.
  static std::string rest_of(const UniqueFd& browser, const std::string& beginning) {
    const std::string answer = beginning + read_to_end(browser.get());
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  // May do what docs/OPERATIONS.md lists, and no more.
  StoreServer store{{"--user",       "default",        "on",          ">secret",      "resetkeys",  "~socket-handoff:*",
                     "resetchannels", "&socket-handoff:*", "nocommands", "+auth",        "+select",    "+ping",
                     "+eval",        "+hsetnx",        "+hset",       "+hdel",        "+hgetall",   "+pexpire",
                     "+xadd",        "+xrange",        "+xrevrange",  "+set",         "+exists",    "+lpop",
                     "+rpush",       "+publish",       "+subscribe",  "+unsubscribe", "--user",     "admin",
                     "on",           ">secret",        "+@all"}};
  std::optional<DaemonProcess> here;
  std::optional<DaemonProcess> there;
};

constexpr const char* kAsk = R"({"answer_id":"a","prompt":"hello"})";
constexpr const char* kFollow = R"({"answer_id":"a","action":"follow"})";
constexpr const char* kStop = R"({"answer_id":"a","action":"stop"})";

TEST_F(SharedAnswers, AreFollowedFromAnotherHostWhileTheyRunAndAfterwards) {
  const UniqueFd asker = here->hand_client_over(kAsk);
  const std::string beginning = read_until(asker.get(), "id: 3\n");
  std::vector<UniqueFd> followers;
  for (int i = 0; i < 4; ++i) followers.push_back(there->hand_client_over(kFollow));
  const std::string whole = rest_of(asker, beginning);
  EXPECT_TRUE(whole.ends_with("id: 19\ndata: [DONE]\n\n")) << whole;
  for (const UniqueFd& follower : followers) EXPECT_EQ(text_of(follower), whole) << there->log();
  EXPECT_EQ(text_of(there->hand_client_over(kFollow)), whole);
}

TEST_F(SharedAnswers, GoOnFromWhereTheClientIsOnAnotherHost) {
  UniqueFd asker = here->hand_client_over(kAsk);
  read_until(asker.get(), "id: 3\n");
  asker.reset();
  const std::string rest =
      text_of(there->hand_client_over(R"({"answer_id":"a","action":"follow","apache":{"last_event_id":"3"}})"));
  EXPECT_THAT(rest, StartsWith(":\n\nid: 4\n"));
  EXPECT_TRUE(rest.ends_with("id: 19\ndata: [DONE]\n\n")) << rest;
}

TEST_F(SharedAnswers, AreStoppedFromAnotherHostOnce) {
  const UniqueFd asker = here->hand_client_over(kAsk);
  read_until(asker.get(), "id: 2\n");
  EXPECT_THAT(answer_of(*there, kStop), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(text_of(asker), HasSubstr("data: {\"stopped\":true}\n\n"));
  EXPECT_TRUE(eventually([&] { return answer_of(*there, kStop).starts_with("HTTP/1.1 404 "); }));
}

TEST_F(SharedAnswers, BelongToTheirUserOnEachHost) {
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","user_id":"anna"})");
  read_until(asker.get(), "id: 2\n");
  EXPECT_THAT(answer_of(*there, R"({"answer_id":"a","action":"follow","user_id":"otto"})"),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer_of(*there, R"({"answer_id":"a","action":"stop","user_id":"otto"})"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(text_of(asker), HasSubstr("[DONE]"));
}

TEST_F(SharedAnswers, AreAskedForOnceHoweverManyHostsDoAtOnce) {
  std::vector<UniqueFd> askers;
  for (int i = 0; i < 6; ++i) askers.push_back((i % 2 == 0 ? here : there)->hand_client_over(kAsk));
  const std::string whole = text_of(askers.front());
  for (std::size_t i = 1; i < askers.size(); ++i) EXPECT_EQ(text_of(askers[i]), whole);
  EXPECT_TRUE(eventually([&] { return (here->log() + there->log()).find("comes from another host") != std::string::npos; }));
}

TEST_F(SharedAnswers, AreNotThereIfNobodyHasAskedForThem) {
  EXPECT_THAT(answer_of(*there, kFollow), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(answer_of(*there, kStop), StartsWith("HTTP/1.1 404 "));
}

TEST_F(SharedAnswers, EndWithAnErrorForOtherHostsIfTheirOwnHasDied) {
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","backend":"hold"})");
  read_until(asker.get(), "\r\n\r\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  read_until(follower.get(), "\r\n\r\n");
  here->signal(SIGKILL);
  EXPECT_THAT(read_to_end(follower.get()), HasSubstr("\"code\":\"upstream_truncated\""));
  EXPECT_TRUE(there->logs("the host that ran it has ended")) << there->log();
}

TEST_F(SharedAnswers, SurviveAStoreThatStartsAgainEmpty) {
  const UniqueFd asker = here->hand_client_over(kAsk);
  const std::string beginning = read_until(asker.get(), "id: 2\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  const std::string seen = read_until(follower.get(), "id: 3\n");
  store.stop();
  store.start();
  const std::string whole = rest_of(asker, beginning);
  EXPECT_EQ(rest_of(follower, seen), whole) << there->log();
  EXPECT_EQ(text_of(there->hand_client_over(kFollow)), whole);
}

TEST_F(SharedAnswers, AreUntouchedByAStoreThatDoesNotAnswer) {
  store.pause();
  EXPECT_TRUE(text_of(here->hand_client_over(R"({"prompt":"not kept"})")).ends_with("data: [DONE]\n\n"));
  const UniqueFd asker = here->hand_client_over(kAsk);
  EXPECT_TRUE(text_of(asker).ends_with("id: 19\ndata: [DONE]\n\n"));
  EXPECT_THAT(answer_of(*there, kFollow), HasSubstr("Retry-After: "));
  store.go_on();
  // What was not stored is stored now.
  EXPECT_TRUE(eventually([&] { return answer_of(*there, kFollow).find("[DONE]") != std::string::npos; }));
}

TEST_F(SharedAnswers, AreStoredLaterIfTheStoreIsFull) {
  const UniqueFd admin = connect_to(store.socket(), SOCK_STREAM);
  const auto command = [&](const std::string& text) {
    ASSERT_GT(send(admin.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
    EXPECT_EQ(read_some(admin.get()), "+OK\r\n");
  };
  command("AUTH admin secret\r\n");
  command("CONFIG SET maxmemory 1\r\n");
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","prompt":"hello","action":"ask"})");
  EXPECT_TRUE(text_of(asker).ends_with("id: 19\ndata: [DONE]\n\n"));
  EXPECT_TRUE(here->logs("the store does not take answers: OOM")) << here->log();
  command("CONFIG SET maxmemory 0\r\n");
  EXPECT_TRUE(eventually([&] { return answer_of(*there, kFollow).find("[DONE]") != std::string::npos; }));
}

}  // namespace
}  // namespace streaming
