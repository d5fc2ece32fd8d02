// SPDX-License-Identifier: Apache-2.0
// Kept answers of two daemons, as on two hosts, that share them through a real store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/http_get.h"
#include "support/two_hosts.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SharedAnswers : public TwoHosts {};

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

TEST_F(SharedAnswers, WakeOtherHostsUpOnlyWhileOneReadsThem) {
  EXPECT_TRUE(answer_of(*here, R"({"answer_id":"b","prompt":"hello"})").ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(calls_of("publish"), 0);
  const UniqueFd asker = here->hand_client_over(kAsk);
  const std::string beginning = read_until(asker.get(), "id: 2\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  EXPECT_EQ(text_of(follower), rest_of(asker, beginning));
  EXPECT_GT(calls_of("publish"), 3);
}

TEST_F(SharedAnswers, AreStoredInFewPartsWhileNoOtherHostReadsThem) {
  const std::string answer = answer_of(*here, kAsk);
  EXPECT_TRUE(answer.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(text_of(there->hand_client_over(kFollow)), answer.substr(answer.find("\r\n\r\n") + 4));
  EXPECT_LT(calls_of("xadd"), 9);  // of 18 events, the first by itself, and the others of a second together
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
  // Also for a client that has seen what the host had not stored yet. The first such event has the number of the error event.
  for (const std::string seen : {"1", "7"}) {
    EXPECT_THAT(answer_of(*there, R"({"answer_id":"a","action":"follow","after":")" + seen + "\"}"),
                HasSubstr("\"code\":\"upstream_truncated\""));
  }
}

TEST_F(SharedAnswers, AreKeptByTheStoreAsLongAsTheLastReloadWantsIt) {
  here->write_config("[answers]\nkeep_ms = 60000\n");
  here->signal(SIGHUP);
  ASSERT_TRUE(here->logs("reload: answers.keep_ms has changed")) << here->log();
  const auto time_left = [this](const std::string& id) {
    return std::atoi(command("PTTL socket-handoff:{" + id + "}:answer").c_str() + 1);
  };
  int answers = 0;
  EXPECT_TRUE(eventually([&] {
    const std::string id = std::to_string(++answers);
    answer_of(*here, R"({"answer_id":")" + id + R"("})");
    EXPECT_TRUE(eventually([&] { return time_left(id) > 0 && time_left(id) <= 300'000; }));
    return time_left(id) <= 60'000;
  }));
}

// Whoever can write to the store can put words into answers there, and must not be able to end the daemons that read them.
class ForgedAnswers : public TwoHosts {
 protected:
  void SetUp() override { start(there); }
  // Of a host that does not live.
  void forge(const std::string& fields, const std::string& entry) const {
    command("HSET socket-handoff:{a}:answer run r owner nobody format content backend mock " + fields);
    if (!entry.empty()) command("XADD socket-handoff:{a}:events:r " + entry);
  }
  std::string follow_behind(int event) const {
    return answer_of(*there, R"({"answer_id":"a","action":"follow","after":)" + std::to_string(event) + "}");
  }
};

TEST_F(ForgedAnswers, MayHaveFewerFramesThanTheyNameEvents) {
  forge("", "0-9 first 1 frames none");
  EXPECT_THAT(follow_behind(5), StartsWith("HTTP/1.1 ")) << there->log();
  EXPECT_TRUE(there->logs("the host that ran it has ended")) << there->log();
}

TEST_F(ForgedAnswers, MayEndWithinAFrame) {
  forge("cause completed events 0 last none", "");
  EXPECT_THAT(follow_behind(1), StartsWith("HTTP/1.1 ")) << there->log();
  EXPECT_THAT(answer_of(*there, kAsk), StartsWith("HTTP/1.1 ")) << there->log();
}

TEST_F(ForgedAnswers, MayBelongToAUserOfAnImpossibleName) {
  forge("", "");
  command("EVAL \"redis.call('HSET',KEYS[1],'user',string.rep('u',70000))\" 1 socket-handoff:{a}:answer");
  EXPECT_THAT(follow_behind(0), StartsWith("HTTP/1.1 503 ")) << there->log();
}

class SharedAnswersOfLimitedUsers : public TwoHosts {
 protected:
  SharedAnswersOfLimitedUsers() : TwoHosts({"--metrics-addr", "127.0.0.1:0", "--max-streams-per-user", "1"}) {}
};

TEST_F(SharedAnswersOfLimitedUsers, AreCountedIfTheyAreRefusedOnceTheStoreHasReplied) {
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","user_id":"anna","backend":"hold"})");
  read_until(asker.get(), "\r\n\r\n");
  EXPECT_THAT(answer_of(*here, R"({"answer_id":"b","user_id":"anna"})"), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(http_get(here->monitor_port(), "/metrics"),
              HasSubstr("\ndaemon_refusals_total{reason=\"user_limit\"} 1\n"));
}

}  // namespace
}  // namespace streaming
