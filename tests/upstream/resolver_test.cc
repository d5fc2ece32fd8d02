// SPDX-License-Identifier: Apache-2.0
#include "upstream/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "support/dns_server.h"
#include "support/ring_turns.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Asker final : AddressAsker {
  void on_addresses(const Result<AddressList>& found) override {
    ++answers;
    ok = found.ok();
    error = found ? "" : found.error().message;
    addresses.clear();
    if (found) {
      for (const Address& address : *found) addresses.push_back(address.text());
    }
  }
  int answers = 0;
  bool ok = false;
  std::string error;
  std::vector<std::string> addresses;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() {
    EXPECT_TRUE(Resolver::start_library().ok());
    turns.handler = [this](const Completion& completion) { watches.on_ready(completion); };
  }
  void turn_until(const std::function<bool()>& condition) { ASSERT_TRUE(turns.turn_until(condition)); }
  void skip(Duration time) {
    turns.timers.set_now(turns.timers.now() + time);
    turns.timers.expire();
  }

  DnsServer server;
  RingTurns turns;
  SocketWatches watches{*turns.ring};
  Resolver resolver{watches, turns.timers, server.address()};
  Asker asker, other;
};

TEST_F(ResolverTest, KnowsAddressesAtOnce) {
  resolver.ask("127.0.0.1", asker);
  EXPECT_THAT(asker.addresses, ElementsAre("127.0.0.1"));
  resolver.ask("::1", asker);
  EXPECT_THAT(asker.addresses, ElementsAre("::1"));
  EXPECT_EQ(asker.answers, 2);
}

TEST_F(ResolverTest, FindsTheNamesOfTheHostsFileWithoutAskingAServer) {
  resolver.ask("localhost", asker);
  turn_until([&] { return asker.answers == 1; });
  EXPECT_TRUE(asker.ok);
  EXPECT_EQ(server.questions("localhost"), 0);
}

TEST_F(ResolverTest, AsksOnceForAllWhoWaitAndKeepsTheAnswer) {
  server.add("a.test", {"192.0.2.1"});
  resolver.ask("a.test", asker);
  resolver.ask("a.test", other);
  EXPECT_EQ(asker.answers, 0);
  turn_until([&] { return asker.answers == 1 && other.answers == 1; });
  EXPECT_THAT(other.addresses, ElementsAre("192.0.2.1"));
  resolver.ask("a.test", asker);
  EXPECT_EQ(asker.answers, 2) << "at once";
  EXPECT_EQ(server.questions("a.test"), 2) << "for each family once";
  resolver.forget("a.test");
  resolver.ask("a.test", asker);
  EXPECT_EQ(asker.answers, 2);
  turn_until([&] { return asker.answers == 3; });
}

TEST_F(ResolverTest, KeepsAnAnswerNoLongerThanTheServerSaysAndNeverLongerThanItsLimit) {
  server.add("short.test", {"192.0.2.1"}, 5);
  server.add("long.test", {"192.0.2.1"}, 86'400);
  for (const auto& [name, time] : {std::pair{"short.test", Duration(5000)}, std::pair{"long.test", kResolvedForTime}}) {
    asker.answers = 0;
    resolver.ask(name, asker);
    turn_until([&] { return asker.answers == 1; });
    skip(time - Duration(1000));
    resolver.ask(name, asker);
    EXPECT_EQ(asker.answers, 2) << name;
    skip(Duration(1001));
    resolver.ask(name, asker);
    EXPECT_EQ(asker.answers, 2) << name;
    turn_until([&] { return asker.answers == 3; });
    EXPECT_EQ(server.questions(name), 4) << name;
  }
}

TEST_F(ResolverTest, LetsNoNameWaitForAnother) {
  server.add("fast.test", {"192.0.2.2"});
  server.hold("slow.test");
  resolver.ask("slow.test", asker);
  resolver.ask("fast.test", other);
  turn_until([&] { return other.answers == 1; });
  EXPECT_THAT(other.addresses, ElementsAre("192.0.2.2"));
  EXPECT_EQ(asker.answers, 0);
}

TEST_F(ResolverTest, GivesANameUpThatIsNotFoundInTime) {
  server.hold("slow.test");
  resolver.ask("slow.test", asker);
  turn_until([&] { return server.questions("slow.test") > 0; });
  skip(kUpstreamConnectTimeout);
  EXPECT_EQ(asker.answers, 1);
  EXPECT_THAT(asker.error, HasSubstr("in time"));
}

TEST_F(ResolverTest, SaysThatThereIsNoSuchName) {
  resolver.ask("nowhere.test", asker);
  turn_until([&] { return asker.answers == 1; });
  EXPECT_THAT(asker.error, HasSubstr("cannot find the address"));
}

TEST_F(ResolverTest, AlternatesTheFamilies) {
  server.add("both.test", {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"});
  resolver.ask("both.test", asker);
  turn_until([&] { return asker.answers == 1; });
  ASSERT_EQ(asker.addresses.size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) {
    const auto is_six = [&](std::size_t at) { return asker.addresses[at].find(':') != std::string::npos; };
    EXPECT_NE(is_six(i), is_six(i - 1)) << i;
  }
}

TEST_F(ResolverTest, RemembersNoMoreNamesThanItsLimitAndForgetsThoseOfUseToNobody) {
  std::deque<Asker> askers(kMaxKnownNames);
  for (std::size_t i = 0; i < kMaxKnownNames; ++i) {
    server.hold(std::to_string(i) + ".test");
    resolver.ask(std::to_string(i) + ".test", askers[i]);
  }
  resolver.ask("one-more.test", asker);
  EXPECT_THAT(asker.error, HasSubstr("too many"));
  const std::string literal = "127.0.0.1";
  resolver.ask(literal, asker);
  EXPECT_TRUE(asker.ok);
}

TEST_F(ResolverTest, MayGoWhileItAsks) {
  server.hold("slow.test");
  Resolver short_lived(watches, turns.timers, server.address());
  short_lived.ask("slow.test", asker);
  asker.unlink();
  EXPECT_EQ(asker.answers, 0);
}

}  // namespace
}  // namespace streaming
