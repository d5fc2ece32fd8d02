// SPDX-License-Identifier: Apache-2.0
// Slow clients, silent upstreams.

#include "stream/limits.h"
#include "stream/stream_fixture.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(StreamTest, PausesTheBackendForASlowClientAndResumesIt) {
  open();
  text(std::string(kSettings.max_queued_bytes, 'x'));
  EXPECT_EQ(backend.paused, 1);
  end_of_turn();
  ring.complete(Operation::kClientSend, 100);
  EXPECT_EQ(backend.resumed, 0);
  send_all();
  EXPECT_EQ(backend.resumed, 1);
}

TEST_F(StreamTest, ClosesAClientThatTakesNothing) {
  open();
  ring.complete(Operation::kClientSend, -EAGAIN);
  pass(kSettings.write_timeout - Duration(1));
  EXPECT_FALSE(ring.cancelled.size() > 0);
  pass(Duration(1));
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(StreamTest, GivesAClientItsWholeTimeHoweverLongTheUpstreamHasBeenSilent) {
  open();
  text("a");
  end_of_turn();
  send_all();
  pass(kSettings.write_timeout + Duration(5'000));  // less than idle_timeout: heartbeats are sent meanwhile
  ring.complete(Operation::kClientSend, -EAGAIN);
  pass(kSettings.write_timeout - Duration(1));
  EXPECT_TRUE(ring.cancelled.empty());
  pass(Duration(1));
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

// Whole, sent, shut down.
class AnswerIsSent : public StreamTest {
 protected:
  AnswerIsSent() {
    open();
    text("a");
    backend.sink->on_end(FinishReason::kStop);
    end_of_turn();
    send_all();
    ring.complete(Operation::kClientShutdown, 0);
  }
  void unacknowledged(std::int32_t bytes) { ring.complete(Operation::kClientUnacknowledged, bytes); }
};

TEST_F(AnswerIsSent, ItIsCompleteWhenTheClientHasAcknowledgedAllAndDoesNotClose) {
  pass(kDrainTimeout);
  unacknowledged(0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(AnswerIsSent, TheAcknowledgementIsWaitedForAsLongAsAClientMayTakeNothing) {
  const Time since = timers.now();
  for (; timers.now() - since < kSettings.write_timeout - kDrainTimeout;) {
    pass(kDrainTimeout);
    unacknowledged(100);
    EXPECT_TRUE(ring.cancelled.empty());
  }
  pass(kDrainTimeout);
  unacknowledged(100);
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u) << "and it is not called complete";
}

TEST_F(AnswerIsSent, WhatTheClientAcknowledgesStartsTheWaitAnew) {
  for (std::int32_t left = 100'000; left > 0; left -= 10'000) {
    pass(kSettings.write_timeout - Duration(1));
    unacknowledged(left);
    EXPECT_TRUE(ring.cancelled.empty());
  }
  pass(kDrainTimeout);
  unacknowledged(0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(AnswerIsSent, AResetIsAGoodEndOnlyBehindTheLastAcknowledgement) {
  ring.complete(Operation::kClientWatch, POLLIN | POLLERR | POLLHUP | POLLRDHUP);
  ring.complete(Operation::kClientDrain, -ECONNRESET);
  unacknowledged(0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);

  open();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientWatch, POLLIN | POLLERR | POLLHUP | POLLRDHUP);
  ring.complete(Operation::kClientDrain, -ECONNRESET);
  unacknowledged(1);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(AnswerIsSent, AShutdownOfTheDaemonWaitsForItNoLongerThanForAGoodBye) {
  table.close_all(CloseCause::kShutdown);
  pass(kDrainTimeout);
  unacknowledged(100);
  finish();
  EXPECT_TRUE(table.empty());
}

TEST_F(StreamTest, SaysThatAClientTookNothingWhenTheKernelHasGivenItUp) {
  open();
  send_all();
  ring.complete(Operation::kClientWatch, POLLIN | POLLERR | POLLHUP | POLLRDHUP);
  ring.complete(Operation::kClientDrain, -ETIMEDOUT);
  EXPECT_EQ(backend.cancelled, 1);
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(StreamTest, TellsTheClientWhenTheUpstreamSaysNothing) {
  open();
  send_all();
  pass(kSettings.first_byte_timeout);
  EXPECT_EQ(backend.cancelled, 1);
  EXPECT_THAT(send_all(), HasSubstr("data: {\"error\":"));
  client_leaves();
  ring.complete(Operation::kClientShutdown, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kFirstByteTimeout), 1u);
}

TEST_F(StreamTest, TellsTheClientWhenTheUpstreamFallsSilent) {
  open();
  text("a");
  end_of_turn();
  send_all();
  pass(kSettings.idle_timeout - Duration(1));
  text("b");
  end_of_turn();
  send_all();
  pass(kSettings.idle_timeout - Duration(1));
  EXPECT_THAT(send_all(), Not(HasSubstr("error"))) << "each event starts the wait anew";
  pass(Duration(1));
  EXPECT_THAT(send_all(), HasSubstr("data: {\"error\":"));
}

TEST_F(StreamTest, KeepsTheConnectionAliveFromBeforeTheFirstEvent) {
  open();
  send_all();
  pass(kSettings.heartbeat_interval - Duration(1));
  EXPECT_EQ(send_all(), "");
  pass(Duration(1));
  EXPECT_EQ(send_all(), ": ping\n\n");
  text("a");
  end_of_turn();
  send_all();
  pass(kSettings.heartbeat_interval - Duration(1));
  EXPECT_EQ(send_all(), "") << "an event is as good";
  pass(Duration(1));
  EXPECT_EQ(send_all(), ": ping\n\n");
}

TEST_F(StreamTest, DoesNotTakeItsOwnHeartbeatForALifeSignOfTheUpstream) {
  open();
  send_all();
  std::string sent;
  for (Duration elapsed{0}; elapsed < kSettings.first_byte_timeout; elapsed += Duration(1000)) {
    pass(Duration(1000));
    sent += send_all();
  }
  EXPECT_THAT(sent, StartsWith(": ping\n\n"));
  EXPECT_THAT(sent,
              HasSubstr("data: {\"error\":\"The model did not answer in time.\",\"code\":\"first_byte_timeout\"}"));
}

TEST_F(StreamTest, SendsNoHeartbeatToAClientWhoseBufferIsFull) {
  open();
  ring.complete(Operation::kClientSend, -EAGAIN);
  pass(kSettings.heartbeat_interval);
  ring.complete(Operation::kClientWritable, POLLOUT);
  EXPECT_THAT(send_all(), Not(HasSubstr("ping")));
}

TEST_F(StreamTest, WaitsForAModelThatThinks) {
  open();
  send_all();
  for (Duration elapsed{0}; elapsed < 3 * kSettings.idle_timeout; elapsed += Duration(10'000)) {
    backend.sink->on_event({.kind = AnswerEvent::Kind::kProgress});
    pass(Duration(10'000));
    EXPECT_THAT(send_all(), Not(HasSubstr("error")));
  }
  EXPECT_EQ(backend.cancelled, 0);
}

TEST_F(StreamTest, EndsAStreamThatLastsTooLong) {
  open();
  for (Duration elapsed{0}; elapsed < kSettings.max_stream_duration; elapsed += Duration(10'000)) {
    text("x");
    pass(Duration(10'000));
  }
  const std::string sent = send_all();
  EXPECT_THAT(sent, HasSubstr("data: {\"error\":\"The answer took too long.\",\"code\":\"too_long\"}"));
  EXPECT_THAT(sent, Not(HasSubstr("[DONE]")));
}

TEST_F(StreamTest, MeasuresItsFirstEventByTheClockAlsoAfterTheWorkerHasStoodStill) {
  open();  // whose timers are due when the worker goes on
  ASSERT_TRUE(timers.begin_turn(timers.clock() + kSettings.max_stream_duration));
  open();
  text("a");
  int measured = 0;
  table.for_each([&](const Stream& stream) {
    if (stream.events() == 0) return;
    ++measured;
    EXPECT_EQ(stream.first_event_after(), Duration(0));
  });
  EXPECT_EQ(measured, 1);
}

}  // namespace
}  // namespace streaming
