// SPDX-License-Identifier: Apache-2.0
// Two daemons whose store is slow, full, restarted or gone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/http_get.h"
#include "support/two_hosts.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class StoreOutage : public TwoHosts {
 protected:
  StoreOutage() : TwoHosts({"--metrics-addr", "127.0.0.1:0"}) {}
};

TEST_F(StoreOutage, IsShownByReadyzAndMetricsWhileTheDaemonStaysReady) {
  const int port = here->monitor_port();
  const auto shows = [&](const std::string& path, const std::string& text) {
    return eventually([&] { return http_get(port, path).find(text) != std::string::npos; });
  };
  EXPECT_TRUE(shows("/readyz", "\r\n\r\nok\nstore: 2 of 2 workers can reach it\n"));
  EXPECT_TRUE(shows("/metrics", "\ndaemon_store_connected{worker=\"1\"} 1\n"));
  store.stop();
  EXPECT_TRUE(shows("/readyz", "\r\n\r\nok\nstore: 0 of 2 workers can reach it\n"));
  EXPECT_TRUE(shows("/metrics", "\ndaemon_store_connected{worker=\"1\"} 0\n"));
  store.start();
  EXPECT_TRUE(shows("/readyz", "\r\n\r\nok\nstore: 2 of 2 workers can reach it\n"));
}

TEST_F(StoreOutage, LosesNoAnswerIfTheStoreStartsAgainEmpty) {
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

// A host that has not stored its answer again, because it stands still.
class AnswerNotStoredAgain : public StoreOutage {
 protected:
  void SetUp() override {
    StoreOutage::SetUp();
    asker_ = here->hand_client_over(R"({"answer_id":"a","backend":"hold"})");
    read_until(asker_.get(), "\r\n\r\n");
    here->signal(SIGSTOP);
    store.stop();
  }
  void expect_to_be_followed_later() {
    EXPECT_TRUE(eventually([&] {
      const std::string answer = answer_of(*there, kFollow);
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
      return HasFailure() || answer.find("the answer cannot be read now") != std::string::npos;
    })) << there->log();
    here->signal(SIGCONT);
    EXPECT_TRUE(eventually([&] {
      const UniqueFd follower = there->hand_client_over(kFollow);
      return read_until(follower.get(), "\r\n\r\n").starts_with("HTTP/1.1 200 ");
    })) << there->log();
  }

 private:
  UniqueFd asker_;
};

TEST_F(AnswerNotStoredAgain, IsNotUnknownToAHostThatHasLostTheStore) {
  store.start();
  expect_to_be_followed_later();
}

TEST_F(AnswerNotStoredAgain, IsNotUnknownToAHostThatHasStartedWithoutTheStore) {
  start(there);
  store.start();
  expect_to_be_followed_later();
}

constexpr const char* kNoSigns = R"(EVAL "for _,k in ipairs(redis.call('KEYS','*:alive')) do redis.call('DEL',k) end return 1" 0)";

TEST_F(StoreOutage, HasAClientComeAgainThatHasSeenMoreThanTheStoreHas) {
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","backend":"hold"})");
  read_until(asker.get(), "\r\n\r\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  read_until(follower.get(), "\r\n\r\n");
  EXPECT_THAT(answer_of(*there, R"({"answer_id":"a","action":"follow","after":"7"})"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\nRetry-After: ")));
  EXPECT_THAT(answer_of(*here, R"({"answer_id":"a","action":"follow","after":"7"})"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(StoreOutage, LeavesAnswersUntouchedWhileTheStoreDoesNotAnswer) {
  store.pause();
  EXPECT_TRUE(text_of(here->hand_client_over(R"({"prompt":"not kept"})")).ends_with("data: [DONE]\n\n"));
  const UniqueFd asker = here->hand_client_over(kAsk);
  EXPECT_TRUE(text_of(asker).ends_with("id: 19\ndata: [DONE]\n\n"));
  EXPECT_THAT(answer_of(*there, kFollow), HasSubstr("Retry-After: "));
  store.go_on();
  // What was not stored is stored now.
  EXPECT_TRUE(eventually([&] { return answer_of(*there, kFollow).find("[DONE]") != std::string::npos; }));
}

TEST_F(StoreOutage, DelaysWhatIsStoredWhileTheStoreIsFull) {
  command("CONFIG SET maxmemory 1");
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","prompt":"hello","action":"ask"})");
  EXPECT_TRUE(text_of(asker).ends_with("id: 19\ndata: [DONE]\n\n"));
  EXPECT_TRUE(here->logs("the store does not take answers: OOM")) << here->log();
  command("CONFIG SET maxmemory 0");
  EXPECT_TRUE(eventually([&] { return answer_of(*there, kFollow).find("[DONE]") != std::string::npos; }));
}

TEST_F(StoreOutage, LetsHostsShowThatTheyLiveWhileTheStoreIsFull) {
  const UniqueFd asker = here->hand_client_over(R"({"answer_id":"a","backend":"hold"})");
  read_until(asker.get(), "\r\n\r\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  read_until(follower.get(), "\r\n\r\n");
  command("CONFIG SET maxmemory 1");
  command("CONFIG RESETSTAT");
  // Longer than a sign of life holds, because four workers show one every 0.5 s.
  constexpr int kSigns = 20;
  ASSERT_TRUE(eventually([&] {
    const std::string stats = command("INFO commandstats");
    const std::size_t signs = stats.find("cmdstat_pexpire:calls=");
    return signs != std::string::npos && std::atoi(stats.c_str() + signs + 22) >= kSigns;
  }));
  command("CONFIG SET maxmemory 0");
  EXPECT_THAT(answer_of(*here, kStop), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(read_to_end(follower.get()), HasSubstr("data: {\"stopped\":true}\n\n"));
}

TEST_F(StoreOutage, DelaysWhatIsStoredDuringAFailover) {
  const UniqueFd asker = here->hand_client_over(kAsk);
  const std::string beginning = read_until(asker.get(), "id: 2\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  const std::string seen = read_until(follower.get(), "id: 2\n");
  command("REPLICAOF 127.0.0.1 1");  // another one is the primary now
  const std::string whole = rest_of(asker, beginning);
  EXPECT_TRUE(whole.ends_with("id: 19\ndata: [DONE]\n\n")) << whole;
  EXPECT_TRUE(here->logs("READONLY")) << here->log();
  command("REPLICAOF NO ONE");
  EXPECT_EQ(rest_of(follower, seen), whole) << there->log();
}

class SilentStore : public StoreOutage {
 protected:
  // So that no connection is given up in the test.
  SilentStore() { variables["DAEMON_STORE_TIMEOUT_MS"] = "60000"; }
};

TEST_F(SilentStore, DelaysOnlyTheFirstAnswersUntilItIsKnownToBeSilent) {
  store.pause();
  for (const char* id : {"a", "b", "c"}) {
    const std::string answer = answer_of(*here, std::string(R"({"answer_id":")") + id + R"("})");
    EXPECT_TRUE(answer.ends_with("id: 19\ndata: [DONE]\n\n")) << answer;
  }
  EXPECT_THAT(here->log(), Not(HasSubstr("connecting again"))) << "each answer has waited too long for its claim";
  EXPECT_TRUE(here->logs("answers begin without asking other hosts: the store does not answer")) << here->log();
  EXPECT_THAT(http_get(here->monitor_port(), "/metrics"), HasSubstr("\ndaemon_answers_unclaimed_total 3\n"));
  store.go_on();
  EXPECT_TRUE(eventually([&] { return answer_of(*there, kFollow).find("[DONE]") != std::string::npos; }));
}

TEST_F(SilentStore, HasAllOfTheAnswersThatWereSentWhenItLostTheSignsOfLife) {
  command("EVAL \"for _,key in ipairs(redis.call('KEYS','*:alive')) do redis.call('DEL',key) end\" 0");
  store.pause();
  // The last ones are sent behind each worker's next sign.
  for (const char* id : {"a", "b", "c"}) answer_of(*here, std::string(R"({"answer_id":")") + id + R"("})");
  store.go_on();
  for (const char* id : {"a", "b", "c"}) {
    const std::string follow = std::string(R"({"action":"follow","answer_id":")") + id + R"("})";
    EXPECT_TRUE(eventually([&] { return answer_of(*there, follow).find("[DONE]") != std::string::npos; }));
  }
  EXPECT_EQ(here->stop(), 0);
}

TEST_F(SilentStore, LetsNoAnswerEndAnotherOneOfItsIdThatBeganMeanwhile) {
  constexpr const char* kHold = R"({"answer_id":"a","backend":"hold"})";
  const std::string key = "socket-handoff:{a}:answer";
  const UniqueFd first = here->hand_client_over(kHold);
  ASSERT_TRUE(eventually([&] { return command("HEXISTS " + key + " owner") == ":1\r\n"; }));
  const std::string run = command("HGET " + key + " run");
  const std::string events = "socket-handoff:{a}:events:" + run.substr(run.find('\n') + 1, run.rfind('\r') - run.find('\n') - 1);
  command("XADD " + events + " 0-1 first 1 frames x");  // what `hold` does not have
  store.pause();
  const UniqueFd second = there->hand_client_over(kHold);
  read_until(second.get(), "\r\n\r\n");
  store.go_on();
  ASSERT_TRUE(eventually([&] { return command("HGET " + key + " run") != run; }));
  EXPECT_THAT(answer_of(*here, kStop), StartsWith("HTTP/1.1 204 "));
  // It has stored its end, because its events expire.
  ASSERT_TRUE(eventually([&] { return command("TTL " + events) != ":-1\r\n"; }));
  EXPECT_EQ(command("HEXISTS " + key + " cause"), ":0\r\n");
}

class RequiredStore : public StoreOutage {
 protected:
  RequiredStore() { variables["DAEMON_STORE_REQUIRED"] = "true"; }
};

TEST_F(RequiredStore, HasAnswersRefusedThatCannotBeSharedAndTheDaemonNotReady) {
  const int port = here->monitor_port();
  const auto readyz = [&](const std::string& answer) {
    return eventually([&] { return http_get(port, "/readyz").starts_with(answer); });
  };
  EXPECT_TRUE(readyz("HTTP/1.1 200 OK\r\n"));
  store.pause();
  EXPECT_THAT(answer_of(*here, kAsk), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\nRetry-After: ")));
  store.stop();
  EXPECT_TRUE(readyz("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer_of(*here, kAsk), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\nRetry-After: ")));
  EXPECT_THAT(http_get(port, "/metrics"), HasSubstr("\ndaemon_refusals_total{reason=\"no_store\"} 2\n"));
  EXPECT_TRUE(answer_of(*here, R"({"prompt":"not kept"})").ends_with("data: [DONE]\n\n"));
  store.start();
  EXPECT_TRUE(readyz("HTTP/1.1 200 OK\r\n"));
  command("CONFIG SET maxmemory 1");
  EXPECT_THAT(answer_of(*here, kAsk), StartsWith("HTTP/1.1 503 "));
  command("CONFIG SET maxmemory 0");
  EXPECT_TRUE(answer_of(*here, kAsk).ends_with("data: [DONE]\n\n"));
}

TEST_F(StoreOutage, RefusesAnswersOnceAReloadRequiresTheStore) {
  store.stop();
  EXPECT_TRUE(answer_of(*here, kAsk).ends_with("data: [DONE]\n\n"));
  here->write_config("[store]\nrequired = true\n");
  here->signal(SIGHUP);
  EXPECT_TRUE(here->logs("reload: store.required has changed")) << here->log();
  int asked = 0;
  EXPECT_TRUE(eventually([&] {
    const std::string id = std::to_string(++asked);
    return answer_of(*here, R"({"answer_id":")" + id + R"("})").starts_with("HTTP/1.1 503 ");
  }));
}

// So slow that its host's sign of life is missing when all hosts have had the time to show theirs.
class SlowAnswer : public TwoHosts {
 protected:
  SlowAnswer() : TwoHosts({"--delay", "170"}) {}
};

TEST_F(SlowAnswer, DoesNotEndOnOtherHostsIfItsOwnIsWithoutASignOfLifeForAMoment) {
  const UniqueFd asker = here->hand_client_over(kAsk);
  const std::string beginning = read_until(asker.get(), "id: 2\n");
  const UniqueFd follower = there->hand_client_over(kFollow);
  const std::string seen = read_until(follower.get(), "id: 16\n");
  EXPECT_EQ(command(kNoSigns), ":1\r\n");
  EXPECT_EQ(rest_of(follower, seen), rest_of(asker, beginning)) << there->log();
}

}  // namespace
}  // namespace streaming
