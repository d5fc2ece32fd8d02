// SPDX-License-Identifier: Apache-2.0
// Limits of users that two daemons, as on two hosts, count together in a real store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/http2_browser.h"
#include "support/module.h"
#include "support/two_hosts.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Streams that last until their clients leave.
class SharedLimits : public TwoHosts {
 protected:
  explicit SharedLimits(std::vector<std::string> flags = {"--max-streams-per-user", "2"})
      : TwoHosts([&flags] {
          flags.insert(flags.end(), {"--limits-shared", "true", "--backend", "hold"});
          return flags;
        }()) {}

  // With all workers connected to the store.
  void SetUp() override {
    TwoHosts::SetUp();
    ASSERT_TRUE(eventually([this] { return command("KEYS *:alive").starts_with("*4\r\n"); }));
  }

  // A client of anna's, and the head of what it gets.
  struct Started {
    UniqueFd browser;
    std::string head;
    bool began() const { return head.starts_with("HTTP/1.1 200 "); }
  };
  static Started start(const DaemonProcess& host, const std::string& payload = R"({"user_id":"anna"})") {
    Started started{host.hand_client_over(payload), {}};
    started.head = read_until(started.browser.get(), "\r\n\r\n");
    return started;
  }
  static bool begins(const DaemonProcess& host) { return start(host).began(); }
};

TEST_F(SharedLimits, CountAUsersStreamsOverBothHosts) {
  Started first = start(*here);
  const Started second = start(*there);
  EXPECT_TRUE(first.began() && second.began());
  for (const auto* host : {&*here, &*there}) {
    const Started third = start(*host);
    EXPECT_THAT(third.head, StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(third.head, HasSubstr("\r\nRetry-After: 5\r\n"));
    EXPECT_TRUE(host->logs("a client is refused with 429: too many answers at once")) << host->log();
  }
  const Started other = start(*there, R"({"user_id":"otto"})");
  const Started nobody = start(*there, "{}");
  EXPECT_TRUE(other.began() && nobody.began()) << "they are not anna";
  first.browser.reset();
  EXPECT_TRUE(eventually([&] { return begins(*there); })) << there->log();
}

TEST_F(SharedLimits, CountKeptAnswersAndNotTheirReaders) {
  const Started first = start(*here, R"({"user_id":"anna","answer_id":"a"})");
  const Started reader = start(*there, R"({"user_id":"anna","answer_id":"a"})");
  const Started second = start(*there, R"({"user_id":"anna","answer_id":"b"})");
  EXPECT_TRUE(first.began() && reader.began() && second.began());
  EXPECT_THAT(start(*here, R"({"user_id":"anna","answer_id":"c"})").head, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(answer_of(*here, R"({"user_id":"anna","answer_id":"b","action":"stop"})"), StartsWith("HTTP/1.1 204 "));
  EXPECT_TRUE(eventually([&] { return begins(*here); }));
}

TEST_F(SharedLimits, DecideOnAClientOverHttp2ThatHasItsPlace) {
  const Started first = start(*here), second = start(*here);
  Module module(*there);
  for (const auto& [user, status] : {std::pair{"anna", "429"}, {"otto", "200"}}) {
    Http2Browser browser(true);
    socket_handoff::Reservation reservation =
        module.reserve(std::string(R"({"backend":"mock","user_id":")") + user + "\"}");
    ASSERT_TRUE(reservation);
    const UniqueFd client = browser.leave_apache();
    EXPECT_EQ(reservation.hand_over(client.get(), browser.part()).end, socket_handoff::Delivery::End::kTaken);
    browser.read_answer();
    EXPECT_EQ(browser.http2.header(":status"), status);
  }
}

TEST_F(SharedLimits, GiveBackThePlacesOfAHostThatHasDied) {
  const Started first = start(*here), second = start(*here);
  EXPECT_TRUE(first.began() && second.began());
  EXPECT_FALSE(begins(*there));
  here->signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return begins(*there); })) << there->log();
}

TEST_F(SharedLimits, HoldAgainAfterTheStoreHasStartedEmpty) {
  const Started first = start(*here), second = start(*there);
  EXPECT_TRUE(first.began() && second.began());
  store.stop();
  store.start();
  EXPECT_TRUE(eventually([&] {
    return command("HLEN socket-handoff:user:{anna}:streams") == ":2\r\n";
  })) << here->log();
  EXPECT_TRUE(eventually([&] { return !begins(*here); }));
  EXPECT_TRUE(eventually([&] { return !begins(*there); }));
}

TEST_F(SharedLimits, AreEachHostsOwnWhileTheStoreIsGone) {
  const Started first = start(*here);
  store.stop();
  const Started second = start(*here), third = start(*here);
  EXPECT_TRUE(second.began());
  EXPECT_THAT(third.head, StartsWith("HTTP/1.1 429 "));
  EXPECT_TRUE(begins(*there));
  EXPECT_TRUE(here->logs("users' limits count on this host alone: the store cannot be reached")) << here->log();
}

class SharedLimitsWithASlowStore : public SharedLimits {
 protected:
  SharedLimitsWithASlowStore() { variables["DAEMON_STORE_TIMEOUT_MS"] = "100"; }
};

TEST_F(SharedLimitsWithASlowStore, AreNotWaitedForLongerThanItsTimeLimit) {
  EXPECT_TRUE(begins(*here));
  store.pause();
  const Started one = start(*here);
  EXPECT_TRUE(one.began()) << here->log();
  store.go_on();
}

class SharedRates : public SharedLimits {
 protected:
  SharedRates() : SharedLimits({"--user-rate-limit", "2"}) {}
};

TEST_F(SharedRates, CountAUsersStartsOverBothHosts) {
  EXPECT_TRUE(begins(*here) && begins(*there));
  for (const auto* host : {&*here, &*there}) {
    const Started third = start(*host);
    EXPECT_THAT(third.head, StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(third.head, HasSubstr("\r\nRetry-After: "));
  }
}

}  // namespace
}  // namespace streaming
