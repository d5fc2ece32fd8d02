// SPDX-License-Identifier: Apache-2.0
// Failures of the kernel during a stream.

#include "stream/stream_fixture.h"

namespace streaming {
namespace {

using testing::StartsWith;

TEST_F(StreamTest, SendsAgainWhatTheKernelHadNoMemoryFor) {
  open();
  send_all();
  text("abc");
  end_of_turn();
  for (const int error : {ENOMEM, ENOBUFS, EINTR, EAGAIN}) {
    ring.complete(Operation::kClientSend, -error);
    ring.complete(Operation::kClientWritable, -ENOMEM);
  }
  EXPECT_EQ(send_all(), "data: {\"content\":\"abc\"}\n\n");
  EXPECT_EQ(backend.cancelled, 0);
}

TEST_F(StreamTest, EndsWhenItsSendWasCancelledOrTheClientHasReset) {
  for (const int error : {ECANCELED, EPIPE, ECONNRESET}) {
    open();
    ring.complete(Operation::kClientSend, -error);
    finish();
    EXPECT_TRUE(table.empty());
  }
  EXPECT_EQ(closed(CloseCause::kClientGone), 3u);
  EXPECT_EQ(backend.cancelled, 3);
}

TEST_F(StreamTest, TriesToSendWhenThePollForRoomFails) {
  open();
  for (const int error : {ENOMEM, ECANCELED}) {
    ring.complete(Operation::kClientSend, -EAGAIN);
    ring.complete(Operation::kClientWritable, -error);
  }
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(StreamTest, GoesOnWatchingTheClientWhenTheWatchFails) {
  open();
  send_all();
  for (const int error : {ENOMEM, ECANCELED}) {
    ring.complete(Operation::kClientWatch, -error);
    EXPECT_EQ(ring.count(Operation::kClientWatch), 1);
    EXPECT_EQ(backend.cancelled, 0);
  }
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(StreamTest, ClosesAfterAShutdownOrADrainThatFailed) {
  for (const int error : {ENOMEM, ECANCELED, ENOTCONN}) {
    open();
    backend.sink->on_end(FinishReason::kStop);
    end_of_turn();
    send_all();
    ring.complete(Operation::kClientShutdown, -error);
    ring.complete(Operation::kClientUnacknowledged, 0);
    finish();

    open();
    ring.complete(Operation::kClientWatch, POLLIN);
    backend.sink->on_end(FinishReason::kStop);
    end_of_turn();
    send_all();
    ring.complete(Operation::kClientShutdown, 0);
    ring.complete(Operation::kClientDrain, -error);
    ring.complete(Operation::kClientUnacknowledged, 0);
    finish();
    EXPECT_TRUE(table.empty());
  }
  EXPECT_EQ(closed(CloseCause::kCompleted), 6u);
}

TEST_F(StreamTest, IsNotFreedBeforeItsDescriptorIsClosed) {
  open();
  send_all();
  client_leaves();
  ring.complete_cancelled();
  ring.complete(Operation::kClientClose, -ENOMEM);
  EXPECT_FALSE(table.empty());
  ring.complete(Operation::kClientClose, 0);
  EXPECT_TRUE(table.empty());
}

TEST_F(StreamTest, DrainsOnceWhenTheWatchThatIsTriedAgainFindsTheSameBytes) {
  open();
  ring.complete(Operation::kClientWatch, POLLIN);
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientWatch, -ENOMEM);
  ring.complete(Operation::kClientWatch, POLLIN);
  EXPECT_EQ(ring.count(Operation::kClientDrain), 1);
  ring.complete(Operation::kClientDrain, -EAGAIN);
  EXPECT_EQ(ring.count(Operation::kClientWatch), 1);
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(StreamTest, RefusesWhenTheKernelDoesNotTakeTheClient) {
  ring.adopt_errno = ENOMEM;
  Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
  EXPECT_FALSE(table.open(client, std::make_unique<HandoffRequest>(), backend));
  EXPECT_TRUE(client.socket) << "the client is still the caller's to answer";
  EXPECT_TRUE(table.empty());
}

}  // namespace
}  // namespace streaming
