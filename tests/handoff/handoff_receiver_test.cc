// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_receiver.h"

#include "handoff/limits.h"
#include "handoff/receiver_fixture.h"

namespace streaming {
namespace {

INSTANTIATE_TEST_SUITE_P(EachType, HandoffReceiverTest, testing::Values(SOCK_SEQPACKET, SOCK_STREAM), name_of_type);

TEST_P(HandoffReceiverTest, AcknowledgesAndPassesTheAssignmentOn) {
  connect();
  arrive_with_client(R"({"prompt":"hi"})");
  EXPECT_EQ(prompts, std::vector<std::string>{"hi"});
  EXPECT_EQ(held, 1) << "Apache does not know yet";
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(started, 1);
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 1u) << "it is the stream's now";
}

TEST_P(HandoffReceiverTest, HoldsTheAnswerWhileTheKernelHasNoMemoryForTheAcknowledgement) {
  connect();
  arrive_with_client("{}");
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  pass(kHandoffRetryPause);
  EXPECT_EQ(held, 1);
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(started, 1);
}

// Apache takes the end of the connection for the daemon's, and answers.
TEST_P(HandoffReceiverTest, GivesAClientBackWhoseAcknowledgementCouldNotBeSentInTime) {
  connect();
  arrive_with_client("{}");
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  pass(kReplyTimeout);
  if (ring.count(Operation::kHandoffReply) > 0) ring.complete(Operation::kHandoffReply, -ENOMEM);
  EXPECT_TRUE(closed());
  EXPECT_EQ(given_back, 1);
}

TEST_P(HandoffReceiverTest, GoesOnWhenTheAcknowledgementCannotBeDelivered) {
  connect();
  arrive_with_client("{}");
  ring.complete(Operation::kHandoffReply, -EPIPE);
  EXPECT_TRUE(closed());
  EXPECT_EQ(prompts.size(), 1u);
  EXPECT_EQ(started, 1) << "a module that does not wait has closed already";
}

TEST_P(HandoffReceiverTest, LetsApacheAnswerARefusalThatItHasRead) {
  refusal = Refusal{503, "full", 3};
  connect();
  arrive_with_client("{}");
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":3,"connection":2})");
  EXPECT_TRUE(answered.empty());
  ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, AnswersItselfWhenTheRefusalWasClosedUnread) {
  connect();
  arrive_with_client("not json");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, AnswersItselfWhenApacheHasNotWaited) {
  connect();
  arrive_with_client("[]");
  ring.complete(Operation::kHandoffReply, -EPIPE);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(closed());
}

// The peer may read the refusal at any time, and then answers the client.
TEST_P(HandoffReceiverTest, LeavesTheClientToAPeerThatStays) {
  connect();
  arrive_with_client("[]");
  reply();
  pass(kReplyTimeout);
  ring.complete_cancelled();
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(load.assigned, 0u);
}

// Apache takes the end of the connection for the daemon's, and answers.
TEST_P(HandoffReceiverTest, LeavesAClientToItsPeerWhoseRefusalCouldNotBeSentInTime) {
  connect();
  arrive_with_client("[]");
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  pass(kReplyTimeout);
  if (ring.count(Operation::kHandoffReply) > 0) ring.complete(Operation::kHandoffReply, -ENOMEM);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, LetsDecisionsReachTheirPeersWhenTheWorkerStops) {
  connect();
  arrive_with_client("{}");
  connect();
  arrive_with_client("[]");
  receiver.stop();
  EXPECT_TRUE(ring.cancelled.empty());
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(receiver.idle());
}

TEST_P(HandoffReceiverTest, DoesNotWaitLongForPeersWhenTheWorkerStops) {
  connect();
  arrive_with_client("[]");
  reply();
  receiver.stop();
  pass(kReplyTimeoutAtEnd);
  ring.complete_cancelled();
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, RefusesAMessageThatComesWhenTheWorkerHasStopped) {
  connect();
  receiver.stop();
  arrive_with_client("{}");
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":1,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(prompts.empty());
}

TEST_P(HandoffReceiverTest, RefusesThoseWhoAreNotAllowedToHandOver) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33, 0}, {}});
  for (const std::optional<ucred>& stranger : {std::optional<ucred>({1, 1000, 33}), std::optional<ucred>()}) {
    sender = stranger;
    connect();
    arrive_with_client("{}");
    EXPECT_EQ(reply(), R"(R{"status":403,"connection":2})");
    ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  }
  EXPECT_TRUE(prompts.empty());
  EXPECT_EQ(counters.get(Counter::kRefusedStranger), 2u);
  for (const uid_t allowed : {33u, 0u}) {
    sender = ucred{1, allowed, 1000};
    connect();
    arrive_with_client("{}");
    EXPECT_EQ(reply(), "A");
  }
  receiver.set_limits({kReceiveTimeout, 1 << 20, {}, {}});
  sender = ucred{1, 1000, 1000};
  connect();
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A") << "without a list everybody may";
}

class SeqpacketReceiverTest : public ReceiverFixture {};

TEST_F(SeqpacketReceiverTest, RefusesAPayloadThatWasCut) {
  connect();
  arrive_with_client("{}", MSG_TRUNC);
  EXPECT_EQ(reply(), R"(R{"status":413,"connection":2})");
}

TEST_P(HandoffReceiverTest, WaitsForAPeerThatHasOnlyShutDownItsSendingSide) {
  connect();
  arrive_with_client("[]");
  reply();
  EXPECT_EQ(ring.find(Operation::kHandoffVerdict).events & POLLIN, 0) << "bytes behind the message are no verdict";
  ring.complete(Operation::kHandoffVerdict, POLLRDHUP);
  EXPECT_FALSE(closed()) << "it may still read the refusal";
  pass(kHandoffRetryPause);
  ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, ClosesAConnectionThatBringsNoClient) {
  connect();
  arrive("{}", {});
  EXPECT_TRUE(closed());
  EXPECT_EQ(counters.get(Counter::kHandoffsInvalid), 1u);
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, TakesTheDescriptorsOfAnEmptyMessageToo) {
  connect();
  arrive_with_client("");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
}

TEST_P(HandoffReceiverTest, ReadsAMessageThatIsThereWhenTheTimeIsUp) {
  connect();
  pass(kReceiveTimeout);
  ring.complete_cancelled();
  pass(Duration(0));
  EXPECT_FALSE(ring.find(Operation::kHandoffReceive).waits);
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
  EXPECT_EQ(prompts.size(), 1u);
}

TEST_P(HandoffReceiverTest, ReadsAMessageThatWaitsForABufferWhenTheTimeIsUp) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  timers.set_now(timers.now() + kReceiveTimeout);
  timers.expire();
  pass(Duration(1));
  ring.complete_cancelled();
  pass(Duration(1));
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, GivesARefusalThatCameInTheLastMomentTheTimeToBeRead) {
  connect();
  pass(kReceiveTimeout);
  ring.complete_cancelled();
  pass(Duration(0));
  arrive_with_client("[]");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, ClosesAConnectionThatEndsWithoutAWord) {
  connect();
  arrive("", {});
  arrive("", {});
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, FindsAMessageThatTheKernelHasQueuedBehindAnEndOfFile) {
  connect();
  arrive("", {});
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, ClosesASilentConnectionWhenItsTimeIsUp) {
  connect();
  timers.set_now(timers.now() + kReceiveTimeout);
  timers.expire();
  EXPECT_FALSE(closed()) << "the kernel still holds the message";
  ring.complete_cancelled();
  pass(Duration(0));
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  EXPECT_TRUE(closed());
  EXPECT_EQ(counters.get(Counter::kHandoffsTimedOut), 1u);
}

TEST_P(HandoffReceiverTest, TriesAgainWhenAllReceiveBuffersAreInUse) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  timers.expire();
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), 1);
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
}

TEST_P(HandoffReceiverTest, ReadsABurstInItsOrderAndNoFasterThanItHasBuffers) {
  constexpr std::uint32_t kBurst = 3 * kReceiveBuffers;
  for (std::uint32_t i = 0; i < kBurst; ++i) connect();
  const Tag first = ring.find(Operation::kHandoffReceive).tag;
  for (std::uint32_t i = 0; i < kBurst; ++i) ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  EXPECT_EQ(load.unread, kBurst) << "the listener must not send more";
  timers.expire();
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), static_cast<int>(kReceiveBuffers));
  EXPECT_EQ(ring.find(Operation::kHandoffReceive).tag, first);
  timers.expire();
  timers.expire();
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), static_cast<int>(kBurst));
}

TEST_P(HandoffReceiverTest, TriesAgainWhatTheKernelHasNoMemoryFor) {
  refusal = Refusal{503, "full", 3};
  connect();
  for (const int error : {ENOMEM, EAGAIN, EINTR}) {
    ring.complete(Operation::kHandoffReceive, -error);
    pass(kHandoffRetryPause);
  }
  arrive_with_client("{}");
  for (const int error : {ENOMEM, EAGAIN, EINTR, ENOBUFS}) {
    ring.complete(Operation::kHandoffReply, -error);
    EXPECT_TRUE(answered.empty()) << "Apache may still be told";
    pass(kHandoffRetryPause);
  }
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":3,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, -ENOMEM);
  pass(kHandoffRetryPause);
  ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, TriesNothingAgainWhenItsTimeIsUpOrWhenItStops) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOMEM);
  receiver.stop();
  EXPECT_TRUE(closed());
  pass(kHandoffRetryPause);
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), 0);
  EXPECT_EQ(load.unread, 0u);
}

TEST_P(HandoffReceiverTest, CountsWhoIsNotServed) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  receiver.stop();
  EXPECT_EQ(counters.get(Counter::kHandoffsTimedOut), 1u) << "its message was there";

  room_for_refusals = false;
  refusal = Refusal{503, "full", 3};
  connect();
  arrive_with_client("{}");
  ring.complete(Operation::kHandoffReply, -EPIPE);
  EXPECT_EQ(counters.get(Counter::kHandoffsOverflown), 1u);
  EXPECT_TRUE(receiver.idle());
}

TEST_P(HandoffReceiverTest, LetsAConnectionGoWhoseReceiveWasCancelled) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ECANCELED);
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 0u);
  EXPECT_EQ(load.unread, 0u);
}

TEST_P(HandoffReceiverTest, CountsAConnectionAsUnreadUntilItsPeerHasSpokenOrHadTheTime) {
  connect();
  connect();
  EXPECT_EQ(load.unread, 2u);
  arrive_with_client("{}");
  EXPECT_EQ(load.unread, 1u);
  pass(kSilentAfter);
  EXPECT_EQ(load.unread, 0u);
  arrive_with_client("{}");
  EXPECT_EQ(load.unread, 0u);
}

TEST_P(HandoffReceiverTest, ClosesTheOldestOfTheSilentWhenTheyAreTooMany) {
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  EXPECT_TRUE(ring.cancelled.empty());
  const Tag oldest = ring.find(Operation::kHandoffReceive).tag;
  connect();
  pass(kSilentAfter);
  ASSERT_EQ(ring.cancelled.size(), 1u);
  EXPECT_EQ(ring.cancelled.front(), oldest);
  ring.complete_cancelled();
  pass(Duration(0));
  while (ring.find(Operation::kHandoffReceive).waits) ring.pending.pop_front();
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  EXPECT_EQ(ring.closed.size(), 1u);
  EXPECT_EQ(load.assigned, kMaxSilentConnections);
}

TEST_P(HandoffReceiverTest, DoesNotCountWhoHasSpokenAmongTheSilent) {
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  for (int i = 0; i < 10; ++i) {
    arrive_with_client("{}");
    reply();
    connect();
    pass(kSilentAfter);
  }
  EXPECT_TRUE(ring.cancelled.empty());
}

TEST_P(HandoffReceiverTest, HoldsAConnectionForEachSlotAndGivesTheSlotsBack) {
  for (std::uint32_t i = 0; i < kMaxHandoffConnections; ++i) {
    ASSERT_TRUE(load.take_slot());
    connect();
  }
  EXPECT_FALSE(load.take_slot());
  EXPECT_TRUE(ring.closed.empty());
  receiver.stop();
  ring.complete_cancelled();
  EXPECT_TRUE(receiver.idle());
  EXPECT_EQ(load.assigned, 0u);
  EXPECT_EQ(load.slots, 0u);
}

}  // namespace
}  // namespace streaming
