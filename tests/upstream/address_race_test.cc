// SPDX-License-Identifier: Apache-2.0
#include "upstream/address_race.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cerrno>
#include <optional>

#include "support/fake_ring.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

using testing::HasSubstr;

class AddressRaceTest : public testing::Test, private CompletionHandler, private AddressRaceOwner {
 protected:
  AddressRaceTest() {
    ring.set_handler(*this);
    AddressRaceOwner& owner = *this;
    race.emplace(owner, attempts);
  }

  void start(std::initializer_list<const char*> addresses) {
    AddressList list;
    for (const char* address : addresses) list.push_back(*literal_address(address));
    race->start(std::move(list), "the upstream");
  }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }
  int under_way() const { return ring.count(Operation::kUpstreamConnect); }
  void complete(std::int32_t result) { ring.complete(Operation::kUpstreamConnect, result); }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  ConnectAttempts attempts{ring, timers};
  std::optional<AddressRace> race;
  int connected = 0;
  std::string error;

 private:
  void on_completion(const Completion& completion) override { attempts.on_connected(completion); }
  void on_connected(UniqueFd socket) override {
    EXPECT_TRUE(socket);
    ++connected;
  }
  void on_not_connected(const std::string& new_error) override { error = new_error; }
};

TEST_F(AddressRaceTest, TriesTheNextAddressWhenOneDoesNotAnswerAndTakesTheFirstThatDoes) {
  start({"192.0.2.1", "2001:db8::1", "192.0.2.2"});
  EXPECT_EQ(under_way(), 1);
  pass(kAddressStagger - Duration(1));
  EXPECT_EQ(under_way(), 1);
  pass(Duration(1));
  EXPECT_EQ(under_way(), 2);
  complete(0);
  EXPECT_EQ(connected, 1);
  pass(kAddressStagger);
  EXPECT_EQ(under_way(), 1) << "no other is begun";
  ring.complete_cancelled();
  EXPECT_EQ(under_way(), 0) << "the other was cancelled";
  EXPECT_EQ(connected, 1);
  EXPECT_EQ(error, "");
}

TEST_F(AddressRaceTest, TriesTheNextAddressAtOnceWhenOneFails) {
  start({"192.0.2.1", "192.0.2.2"});
  complete(-ECONNREFUSED);
  EXPECT_EQ(under_way(), 1);
  complete(0);
  EXPECT_EQ(connected, 1);
}

TEST_F(AddressRaceTest, FailsWhenAllHaveAndSaysWhy) {
  start({"192.0.2.1", "192.0.2.2"});
  pass(kAddressStagger);
  EXPECT_EQ(under_way(), 2);
  complete(-ENETUNREACH);
  EXPECT_EQ(error, "") << "one may yet answer";
  complete(-ECONNREFUSED);
  EXPECT_THAT(error, HasSubstr("Connection refused"));
  EXPECT_EQ(connected, 0);
}

TEST_F(AddressRaceTest, MayGoWhileTheKernelHasItsAttempts) {
  start({"192.0.2.1", "192.0.2.2"});
  pass(kAddressStagger);
  race.reset();
  ring.complete_cancelled();
  EXPECT_EQ(under_way(), 0);
  EXPECT_EQ(connected, 0);
}

}  // namespace
}  // namespace streaming
