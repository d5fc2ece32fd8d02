// SPDX-License-Identifier: Apache-2.0
// Users of two hosts that count together, over a real store.
#include "answers/shared_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "answers/limits.h"
#include "answers/user_places.h"
#include "support/http_client_loop.h"
#include "support/store_server.h"

namespace streaming {
namespace {

using testing::HasSubstr;

// A worker's part that counts users.
struct Host {
  Host(const std::string& url, std::int64_t max_streams, std::int64_t starts_per_minute)
      : store({.url = parse_store_url(url).value(), .prefix = "p:", .ca_file = {}, .timeout = Duration(kPatience)},
              *loop.client, loop.timers),
        limits(max_streams, starts_per_minute),
        shared(store, limits, loop.timers, counters) {
    shared.set_lifetime(Duration(300'000));
    places.set_shared(shared);
    store.enter_at(loop.completions);
    store.open([](std::string_view) {});
  }

  HttpClientLoop loop;
  Store store;
  Counters counters;
  UserLimits limits;
  UserPlaces places{limits};
  SharedUsers shared;
};

struct Decision {
  bool decided = false;
  std::optional<Refusal> refusal;
  UserLimits::User* user = nullptr;
};

class Applicant final : public UserApplicant {
 public:
  Applicant(Host& host, Decision& decision, bool begins) : host_(host), decision_(decision), begins_(begins) {}

  void on_decided(const std::optional<Refusal>& refusal) override {
    decision_ = {.decided = true, .refusal = refusal};
    if (refusal || !begins_) return;
    const UserLimits::Entry entry = host_.places.enter("anna", host_.loop.timers.clock());
    if (entry.refused()) decision_.refusal = entry.refusal();
    decision_.user = entry.user;
  }

 private:
  Host& host_;
  Decision& decision_;
  const bool begins_;
};

class SharedUsersTest : public testing::Test {
 protected:
  void begin(std::int64_t max_streams, std::int64_t starts_per_minute) {
    here.emplace(store.url(), max_streams, starts_per_minute);
    there.emplace(store.url(), max_streams, starts_per_minute);
    run_until([this] { return here->store.ready() && there->store.ready(); });
  }
  void run_until(const std::function<bool()>& condition) {
    const Time deadline = MonotonicClock::now() + kPatience;
    while (!condition()) {
      ASSERT_LT(MonotonicClock::now(), deadline) << "the condition never held";
      for (std::optional<Host>* host : {&here, &there}) {
        if (*host) (*host)->loop.turn(Duration(2));
      }
    }
  }
  Decision start(Host& host, bool begins = true) {
    Decision decision;
    EXPECT_TRUE(host.shared.is_to_be_asked("anna"));
    host.shared.ask("anna", std::make_unique<Applicant>(host, decision, begins));
    run_until([&] { return decision.decided; });
    return decision;
  }
  bool let_in(Host& host) { return !start(host).refusal; }
  void written() {
    run_until([this] { return here->shared.idle() && (!there || there->shared.idle()); });
  }
  // By a client of its own.
  std::string command(const std::string& text) const {
    const UniqueFd client = connect_to(store.socket(), SOCK_STREAM);
    EXPECT_GT(send(client.get(), (text + "\r\n").data(), text.size() + 2, MSG_NOSIGNAL), 0);
    return read_some(client.get());
  }

  StoreServer store;
  std::optional<Host> here;
  std::optional<Host> there;
};

TEST_F(SharedUsersTest, HaveAsManyStreamsAtOnceOverAllHostsAsTheLimitSays) {
  begin(3, 0);
  EXPECT_TRUE(let_in(*here));
  EXPECT_TRUE(let_in(*here));
  const Decision third = start(*there);
  ASSERT_FALSE(third.refusal);
  for (Host* host : {&*here, &*there}) {
    const Decision fourth = start(*host);
    ASSERT_TRUE(fourth.refusal);
    EXPECT_EQ(fourth.refusal->status, 429);
    EXPECT_EQ(fourth.refusal->retry_after_seconds, kAllStreamsRetrySeconds);
  }
  there->places.leave(*third.user, 0, {});
  written();
  EXPECT_TRUE(let_in(*here));
  EXPECT_FALSE(let_in(*there));
}

TEST_F(SharedUsersTest, BeginAsManyStreamsAMinuteOverAllHostsAsTheLimitSays) {
  begin(0, 2);
  EXPECT_TRUE(let_in(*here));
  EXPECT_TRUE(let_in(*there));
  const Decision third = start(*here);
  ASSERT_TRUE(third.refusal);
  EXPECT_EQ(third.refusal->counter, Counter::kRefusedUserStarts);
  EXPECT_GT(third.refusal->retry_after_seconds, 0);
  EXPECT_LE(third.refusal->retry_after_seconds, 30);
}

TEST_F(SharedUsersTest, UseTokensOverAllHostsAsTheBudgetSays) {
  begin(0, 0);
  for (Host* host : {&*here, &*there}) host->limits.set_token_budget(100, Duration(60'000));
  const Decision first = start(*here), second = start(*there);
  here->places.leave(*first.user, 60, here->loop.timers.clock());
  written();
  EXPECT_FALSE(start(*here, false).refusal);
  there->places.leave(*second.user, 40, there->loop.timers.clock());
  written();
  for (Host* host : {&*here, &*there}) {
    const Decision refused = start(*host);
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->counter, Counter::kRefusedUserTokens);
    EXPECT_GT(refused.refusal->retry_after_seconds, 0);
    EXPECT_LE(refused.refusal->retry_after_seconds, 60);
  }
}

TEST_F(SharedUsersTest, AreChargedLaterIfTheStoreIsAway) {
  begin(0, 0);
  for (Host* host : {&*here, &*there}) host->limits.set_token_budget(100, Duration(60'000));
  const Decision first = start(*here);
  store.stop();
  run_until([this] { return !here->store.ready() && !there->store.ready(); });
  here->places.leave(*first.user, 100, here->loop.timers.clock());
  EXPECT_TRUE(here->places.enter("anna", here->loop.timers.clock()).refused()) << "by this host's own count";
  store.start();
  run_until([this] { return here->store.ready() && there->store.ready(); });
  written();
  EXPECT_FALSE(let_in(*there));
}

TEST_F(SharedUsersTest, AreAllDecidedOnIfManyAskAtOnce) {
  begin(2, 0);
  std::vector<Decision> decisions(5);
  for (Decision& decision : decisions) here->shared.ask("anna", std::make_unique<Applicant>(*here, decision, true));
  run_until([&] {
    return std::all_of(decisions.begin(), decisions.end(), [](const Decision& decision) { return decision.decided; });
  });
  EXPECT_EQ(std::count_if(decisions.begin(), decisions.end(), [](const Decision& decision) { return !decision.refusal; }), 2);
}

TEST_F(SharedUsersTest, GetThePlaceBackOfAStreamThatDidNotBegin) {
  begin(1, 0);
  EXPECT_FALSE(start(*here, false).refusal);
  written();
  EXPECT_TRUE(let_in(*there));
}

TEST_F(SharedUsersTest, LeaveNothingInTheStoreWhenTheirStreamsHaveEnded) {
  begin(1, 0);
  const Decision only = start(*here);
  ASSERT_NE(only.user, nullptr);
  here->places.leave(*only.user, 0, {});
  written();
  EXPECT_EQ(command("EXISTS p:user:{anna}:streams"), ":0\r\n");
}

TEST_F(SharedUsersTest, GetThePlacesBackOfAHostThatHasDied) {
  begin(1, 0);
  EXPECT_TRUE(let_in(*there));
  here->loop.skip(kStoreLifeTime);  // so that it knows who lives
  EXPECT_FALSE(let_in(*here));
  const std::string sign = there->store.alive_key(there->store.owner());
  there.reset();
  EXPECT_EQ(command("DEL " + sign), ":1\r\n");
  EXPECT_TRUE(let_in(*here));
}

TEST_F(SharedUsersTest, KeepTheirPlacesWhenAHostWasTakenForDead) {
  begin(1, 0);
  EXPECT_TRUE(let_in(*there));
  command("DEL p:user:{anna}:streams");
  command("DEL " + there->store.alive_key(there->store.owner()));
  there->loop.skip(kStoreHeartbeat);
  run_until([&] { return command("EXISTS p:user:{anna}:streams") == ":1\r\n"; });
  EXPECT_FALSE(let_in(*here));
}

TEST_F(SharedUsersTest, KeepTheirPlacesWhenTheStoreStartsAgainEmpty) {
  begin(2, 0);
  EXPECT_TRUE(let_in(*here));
  const Decision second = start(*there);
  store.stop();
  run_until([this] { return !here->store.ready() && !there->store.ready(); });
  store.start();
  run_until([this] { return here->store.ready() && there->store.ready(); });
  written();
  EXPECT_FALSE(let_in(*here));
  there->places.leave(*second.user, 0, {});
  written();
  EXPECT_TRUE(let_in(*here));
}

TEST_F(SharedUsersTest, LoseThePlacesOfStreamsThatEndWhileTheStoreIsAway) {
  begin(1, 0);
  const Decision only = start(*here);
  const UniqueFd client = connect_to(store.socket(), SOCK_STREAM);
  command("CLIENT KILL TYPE normal SKIPME yes");
  run_until([this] { return !here->store.ready(); });
  here->places.leave(*only.user, 0, {});
  run_until([this] { return here->store.ready() && there->store.ready(); });
  written();
  EXPECT_TRUE(let_in(*there));
}

TEST_F(SharedUsersTest, AreDecidedOnByAScriptThatTheStoreHasForgotten) {
  begin(1, 0);
  EXPECT_FALSE(start(*here, false).refusal);
  EXPECT_EQ(command("SCRIPT FLUSH"), "+OK\r\n");
  EXPECT_TRUE(let_in(*here));
  EXPECT_FALSE(let_in(*there));
}

TEST_F(SharedUsersTest, AreCountedByTheirHostAloneWhileTheStoreCannotBeAsked) {
  begin(1, 0);
  store.pause();
  Decision first;
  here->shared.ask("anna", std::make_unique<Applicant>(*here, first, true));
  here->loop.turn(Duration(0));
  store.stop();
  run_until([&] { return first.decided; });
  EXPECT_FALSE(first.refusal);
  EXPECT_FALSE(here->shared.is_to_be_asked("otto"));
  EXPECT_EQ(here->counters.get(Counter::kUsersNotShared), 2u);
  EXPECT_TRUE(here->places.enter("anna", here->loop.timers.clock()).refused());
  // What began meanwhile counts for all once the store is back.
  store.start();
  run_until([this] { return here->store.ready() && there->store.ready(); });
  written();
  EXPECT_FALSE(let_in(*there));
}

TEST_F(SharedUsersTest, WaitForAStoreThatHangsOnlyAMomentAndCountThereWhenItGoesOn) {
  begin(1, 0);
  store.pause();
  Decision first;
  here->shared.ask("anna", std::make_unique<Applicant>(*here, first, true));
  here->loop.turn(Duration(0));
  EXPECT_FALSE(first.decided);
  here->loop.skip(kUserPatience);
  EXPECT_TRUE(first.decided);
  EXPECT_NE(first.user, nullptr);
  EXPECT_FALSE(here->shared.is_to_be_asked("otto")) << "until it replies";
  store.go_on();
  written();
  EXPECT_EQ(command("HVALS p:user:{anna}:streams"), "*1\r\n$1\r\n1\r\n");
  here->places.leave(*first.user, 0, {});
  written();
  EXPECT_EQ(command("EXISTS p:user:{anna}:streams"), ":0\r\n");
}

TEST_F(SharedUsersTest, AreCountedByTheirHostAloneIfTheStoreRefuses) {
  begin(1, 0);
  command("CONFIG SET maxmemory 1");
  EXPECT_TRUE(let_in(*here));
  EXPECT_EQ(here->counters.get(Counter::kUsersNotShared), 1u);
  command("CONFIG SET maxmemory 0");
  here->loop.skip(Duration(5000));
  run_until([&] { return command("HVALS p:user:{anna}:streams") == "*1\r\n$1\r\n1\r\n"; });
}

TEST_F(SharedUsersTest, AreNotAskedForIfNothingLimitsThemOrTheirHostRefusesAlready) {
  begin(1, 0);
  EXPECT_FALSE(here->shared.is_to_be_asked(""));
  EXPECT_TRUE(let_in(*here));
  EXPECT_FALSE(here->shared.is_to_be_asked("anna"));
  here->limits.set_limits(0, 0);
  EXPECT_FALSE(here->shared.is_to_be_asked("anna"));
}

}  // namespace
}  // namespace streaming
