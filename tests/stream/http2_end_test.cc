// SPDX-License-Identifier: Apache-2.0
// How a stream to a client over HTTP/2 ends: the client closes the connection, or else the daemon does.

#include "stream/http2_stream_fixture.h"
#include "stream/limits.h"

namespace streaming {
namespace {

class Http2EndTest : public Http2OverTlsTest {
 protected:
  Http2EndTest() {
    open_http2();
    read_all();
  }
  void daemon_closes() {
    read_all();
    EXPECT_TRUE(tls.has_clean_end()) << tls.error();
    ring.complete(Operation::kClientShutdown, 0);
    pass(kDrainTimeout - kClientsTurn);
    ring.complete(Operation::kClientUnacknowledged, 0);
    finish();
    EXPECT_TRUE(table.empty()) << "as soon as with HTTP/1.1";
  }
  void client_resets(std::int32_t unacknowledged) {
    ring.complete(Operation::kClientWatch, POLLIN | POLLERR | POLLHUP | POLLRDHUP);
    ring.complete(Operation::kClientDrain, -ECONNRESET);
    ring.complete(Operation::kClientUnacknowledged, unacknowledged);
    finish();
  }

  Http2Peer late;  // the client before it has read the end
};

TEST_F(Http2EndTest, ClosesAConnectionThatItsClientDoesNotClose) {
  end_answer();
  pass(kClientsTurn - Duration(1));
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  pass(Duration(1));
  daemon_closes();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2EndTest, SendsTheConnectionsEndAlsoIfTheClientsTurnHasTakenLongerThanAWriteMay) {
  StreamSettings settings = kSettings;
  settings.write_timeout = kClientsTurn / 2;
  table.set_settings(settings);
  end_answer();
  pass(kClientsTurn);
  pass(settings.write_timeout - Duration(1));
  daemon_closes();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2EndTest, RepliesUntilTheClientClosesAndWaitsNoLongerForThat) {
  end_answer();
  pass(kClientsTurn - Duration(1));
  late.ping();
  client_sends(tls.write(late.write()));
  late.read(tls.read(send_all()));
  EXPECT_EQ(late.acknowledged_pings(), 1);
  EXPECT_FALSE(tls.has_clean_end());
  pass(Duration(1));
  daemon_closes();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2EndTest, GivesAClientTimeToReadAnErrorToo) {
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "cut"});
  end_of_turn();
  read_all();
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  EXPECT_FALSE(tls.has_clean_end());
  pass(kClientsTurn);
  daemon_closes();
  EXPECT_EQ(closed(CloseCause::kUpstreamTruncated), 1u);
}

TEST_F(Http2EndTest, KeepsAShutdownOfTheDaemonWaitingNoLongerThanOtherClients) {
  table.close_all(CloseCause::kShutdown);
  end_of_turn();
  read_all();
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  pass(kClientsTurn);
  daemon_closes();
  EXPECT_EQ(closed(CloseCause::kShutdown), 1u);
}

TEST_F(Http2EndTest, IsCompleteIfTheClientResetsBehindItsLastAcknowledgement) {
  end_answer();
  client_resets(kUnacknowledgedAtReset);
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2EndTest, IsIncompleteIfTheClientResetsBefore) {
  end_answer();
  client_resets(kUnacknowledgedAtReset + 1);
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(Http2EndTest, IsCompleteIfTheClientClosesBeforeItHasItsReply) {
  end_answer();
  late.ping();
  client_sends(tls.write(late.write()));
  EXPECT_EQ(ring.count(Operation::kClientSend), 1);
  client_leaves();
  send_all();
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2EndTest, IsCompleteIfNoCloseNotifyReachesTheClientAnyMore) {
  end_answer();
  pass(kClientsTurn);
  ring.complete(Operation::kClientSend, -EPIPE);
  ring.complete(Operation::kClientUnacknowledged, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2EndTest, GivesUpAClientThatTakesNoReplyEither) {
  end_answer();
  late.ping();
  client_sends(tls.write(late.write()));
  ring.complete(Operation::kClientSend, -EAGAIN);
  pass(kSettings.write_timeout);
  pass(kSettings.write_timeout);
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

}  // namespace
}  // namespace streaming
