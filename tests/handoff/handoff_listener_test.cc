// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "handoff/limits.h"
#include "support/fake_ring.h"

namespace streaming {
namespace {

class HandoffListenerTest : public testing::Test, private CompletionHandler, private ConnectionReceiver {
 protected:
  static constexpr std::size_t kWorkers = 3;

  HandoffListenerTest() {
    log::set_level(log::Level::kOff);
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      loads[worker].worker = static_cast<std::uint32_t>(worker);
      loads[worker].ring = 50 + static_cast<int>(worker);
      loads[worker].capacity = 1000;
    }
    listener.start();
  }

  void accept(std::int32_t slot) { ring.complete(Operation::kAccept, slot); }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }

  FakeRing ring{this};
  std::vector<WorkerLoad> loads = std::vector<WorkerLoad>(kWorkers);
  std::vector<RingFile> received;
  Counters counters;
  TimerWheel timers{Time(Duration(1000))};
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0)};
  HandoffListener listener{ring, timers, socket.get(), loads, loads[0], counters, *this};

 private:
  void on_completion(const Completion& completion) override {
    if (completion.tag.operation == Operation::kAccept) {
      listener.on_accept(completion);
    } else {
      listener.on_passed(completion);
    }
  }
  void on_connection(RingFile connection) override { received.push_back(connection); }
};

TEST_F(HandoffListenerTest, SpreadsFewConnectionsEvenlyAlsoIfItAcceptsThemAll) {
  for (int i = 0; i < 24; ++i) accept(i);
  for (const WorkerLoad& load : loads) EXPECT_EQ(load.assigned, 8u);
  EXPECT_EQ(received.size(), 8u);
  EXPECT_EQ(ring.count(Operation::kConnectionPassed), 16);
}

TEST_F(HandoffListenerTest, KeepsNoMoreThanAnEighthAboveTheOthersIfItAcceptsAll) {
  for (int i = 0; i < 300; ++i) {
    accept(i);
    for (WorkerLoad& load : loads) load.unread = 0;
  }
  EXPECT_EQ(received.size(), 108u);
  for (const std::size_t other : {1, 2}) EXPECT_EQ(loads[other].assigned, 96u);
}

TEST_F(HandoffListenerTest, WakesNoOtherWorkerThatHasHardlyMoreRoom) {
  loads[1].assigned = loads[2].assigned = 400;
  loads[0].assigned = 450;
  accept(7);
  EXPECT_EQ(received.size(), 1u);
  accept(8);
  EXPECT_EQ(received.size(), 1u) << "it has more than an eighth above the others";
  EXPECT_EQ(loads[1].assigned, 401u);
}

TEST_F(HandoffListenerTest, KeepsAConnectionForWhichTheOtherWorkersTableHasNoSlot) {
  loads[0].assigned = 10;
  loads[1].slots = kMaxHandoffConnections;
  accept(7);
  EXPECT_EQ(received.size(), 1u);
  EXPECT_EQ(loads[1].assigned, 0u);
  EXPECT_EQ(loads[1].slots, kMaxHandoffConnections);
}

TEST_F(HandoffListenerTest, GivesBackTheSlotOfWhatItHasPassedOnOrCouldNotAccept) {
  const std::uint32_t before = loads[0].slots;
  loads[0].assigned = 10;
  accept(7);
  EXPECT_EQ(loads[1].slots, 1u);
  EXPECT_EQ(loads[0].slots, before + 1);
  ring.complete(Operation::kConnectionPassed, 0);
  EXPECT_EQ(loads[0].slots, before);
  ring.complete(Operation::kAccept, -ENFILE);
  EXPECT_EQ(loads[0].slots, before - 1);
}

TEST_F(HandoffListenerTest, GivesToTheWorkerWithTheMostRoom) {
  loads[0].assigned = 10;
  loads[1].assigned = 10;
  accept(7);
  const FakeRing::Submitted& passed = ring.find(Operation::kConnectionPassed);
  EXPECT_EQ(passed.target, loads[2].ring);
  EXPECT_EQ(passed.file, RingFile::direct(7));
  EXPECT_EQ(passed.arrival.operation, Operation::kConnectionArrived);
}

TEST_F(HandoffListenerTest, ClosesItsOwnReferenceOncePassed) {
  loads[0].assigned = 10;
  accept(7);
  EXPECT_TRUE(ring.closed.empty());
  ring.complete(Operation::kConnectionPassed, 0);
  ASSERT_EQ(ring.closed.size(), 1u);
  EXPECT_EQ(ring.closed[0], RingFile::direct(7));
}

TEST_F(HandoffListenerTest, DoesNotCloseADescriptorOfTheProcessThatItHasPassed) {
  ring.direct_files = false;
  loads[0].assigned = 10;
  accept(7);
  ring.complete(Operation::kConnectionPassed, 0);
  EXPECT_TRUE(ring.closed.empty()) << "it is the other worker's";
}

TEST_F(HandoffListenerTest, GivesNothingMoreToAWorkerThatIsBehindWhileOthersAreNot) {
  loads[0].assigned = loads[1].assigned = 500;
  loads[2].unread = kMaxUnread;
  accept(7);
  EXPECT_EQ(received.size(), 1u);
  loads[2].unread = kMaxUnread - 1;
  accept(8);
  EXPECT_EQ(loads[2].assigned, 1u);
}

TEST_F(HandoffListenerTest, GivesRatherToAWorkerThatIsBehindThanToOneThatIsFull) {
  for (WorkerLoad& load : loads) load.assigned = load.capacity;
  loads[2].assigned = 0;
  loads[2].unread = kMaxUnread;
  accept(7);
  EXPECT_EQ(loads[2].assigned, 1u);
}

TEST_F(HandoffListenerTest, PassesNothingOnWhileAllWorkersAreFull) {
  for (WorkerLoad& load : loads) load.assigned = load.capacity;
  loads[0].assigned = loads[0].capacity + 20;
  accept(7);
  EXPECT_EQ(received.size(), 1u);
}

TEST_F(HandoffListenerTest, AcceptsSeveralInATurnAndAnotherForEachThatHasCome) {
  EXPECT_EQ(ring.count(Operation::kAccept), int{kAcceptsAtOnce});
  accept(7);
  EXPECT_EQ(ring.count(Operation::kAccept), int{kAcceptsAtOnce});
}

TEST_F(HandoffListenerTest, AcceptsNothingWhileItsWorkerIsBehindAndGoesOnWhenThatHasCaughtUp) {
  loads[0].unread = kMaxUnread;
  for (std::uint32_t i = 0; i < kAcceptsAtOnce; ++i) accept(static_cast<std::int32_t>(i));
  EXPECT_EQ(ring.count(Operation::kAccept), 0);
  EXPECT_EQ(received.size() + ring.count(Operation::kConnectionPassed), kAcceptsAtOnce)
      << "what was accepted meanwhile is served";
  pass(kBehindPause);
  EXPECT_EQ(ring.count(Operation::kAccept), 0) << "it is still behind";
  loads[0].unread = kMaxUnread / 2 - 1;
  pass(kBehindPause);
  EXPECT_EQ(ring.count(Operation::kAccept), int{kAcceptsAtOnce});
}

// The kernel drops an accepted connection if it finds no slot.
TEST_F(HandoffListenerTest, AcceptsNoMoreThanTheRingsTableHolds) {
  std::int32_t accepted = 0;
  while (accepted < 10'000 && ring.count(Operation::kAccept) > 0) {
    accept(accepted++);
    for (WorkerLoad& load : loads) load.unread = 0;  // the workers read quickly, but passing takes time
    ASSERT_LE(static_cast<std::uint32_t>(accepted + ring.count(Operation::kAccept)), kMaxHandoffConnections);
  }
  EXPECT_EQ(static_cast<std::uint32_t>(accepted), kMaxHandoffConnections);
  for (int i = 0; i < 3; ++i) ring.complete(Operation::kConnectionPassed, 0);
  pass(kBehindPause);
  EXPECT_EQ(ring.count(Operation::kAccept), 3);
}

TEST_F(HandoffListenerTest, TakesTheLastConnectionsNoFasterThanTheyAreRead) {
  loads[0].unread = kMaxUnread;
  listener.stop();
  ring.complete_cancelled();
  EXPECT_TRUE(listener.open());
  loads[0].unread = 0;
  pass(kBehindPause);
  EXPECT_FALSE(listener.open());
}

// Its peer may have left its client behind.
TEST_F(HandoffListenerTest, TakesTheLastConnectionsWhenThereAreDescriptorsAgain) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t length = sizeof(sa_family_t);  // the kernel chooses a name
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(socket.get(), 1), 0);
  length = sizeof address;
  ASSERT_EQ(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  const UniqueFd peer(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  ASSERT_EQ(connect(peer.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  listener.stop();
  ring.complete_cancelled();
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(listener.open());
  EXPECT_EQ(received.size(), 0u);
  pass(kAcceptRetryPause);
  EXPECT_EQ(received.size(), 1u);
  EXPECT_FALSE(listener.open());
  if (!received.empty()) close(received[0].number());
}

TEST_F(HandoffListenerTest, ClosesAtOnceWhenAbandoned) {
  loads[0].assigned = 10;
  accept(7);
  listener.abandon();
  EXPECT_FALSE(listener.open());
}

TEST_F(HandoffListenerTest, ServesItselfWhatAnotherWorkerCannotTake) {
  for (const int error : {ENFILE, ENOMEM, EOVERFLOW, EBADFD, ECANCELED}) {
    loads[0].assigned = 10;
    accept(7);
    EXPECT_EQ(loads[1].assigned, 1u);
    ring.complete(Operation::kConnectionPassed, -error);
    EXPECT_EQ(loads[1].assigned, 0u);
    EXPECT_EQ(loads[1].unread, 0u);
    EXPECT_EQ(loads[0].assigned, 11u);
    EXPECT_EQ(received.back(), RingFile::direct(7));
  }
  EXPECT_TRUE(ring.closed.empty());
}

TEST_F(HandoffListenerTest, WaitsAMomentWhenItCannotAcceptThenGoesOnAndCountsIt) {
  for (const int error : {ENFILE, EMFILE, ENOMEM, ECANCELED, ECONNABORTED}) {
    ring.complete(Operation::kAccept, -error);
    EXPECT_EQ(ring.count(Operation::kAccept), int{kAcceptsAtOnce} - 1) << "at once it would fail again, and again";
    accept(7);
    EXPECT_EQ(ring.count(Operation::kAccept), int{kAcceptsAtOnce} - 2);
    pass(kAcceptRetryPause);
    EXPECT_EQ(ring.count(Operation::kAccept), int{kAcceptsAtOnce});
  }
  EXPECT_EQ(counters.get(Counter::kAcceptsFailed), 5u);
}

TEST_F(HandoffListenerTest, ClosesAlsoWhileItWaitsToAcceptAgain) {
  while (ring.count(Operation::kAccept) > 0) ring.complete(Operation::kAccept, -ENFILE);
  listener.stop();
  EXPECT_FALSE(listener.open());
  pass(kAcceptRetryPause);
  EXPECT_EQ(ring.count(Operation::kAccept), 0);
}

TEST_F(HandoffListenerTest, StaysOpenWhileAConnectionIsBeingPassedOn) {
  loads[0].assigned = 10;
  accept(7);
  listener.stop();
  ring.complete_cancelled();
  EXPECT_TRUE(listener.open());
  ring.complete(Operation::kConnectionPassed, 0);
  EXPECT_FALSE(listener.open());
}

TEST_F(HandoffListenerTest, ClosesTheSocketOnlyWhenItsOperationHasEnded) {
  listener.stop();
  EXPECT_TRUE(listener.open());
  accept(9);
  EXPECT_EQ(received.size(), 1u) << "what was accepted before is served";
  ring.complete_cancelled();
  EXPECT_FALSE(listener.open());
  EXPECT_EQ(ring.count(Operation::kAccept), 0);
}

}  // namespace
}  // namespace streaming
