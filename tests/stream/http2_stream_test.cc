// SPDX-License-Identifier: Apache-2.0
// Streams to a client over HTTP/2: nghttp2's, over TCP or over OpenSSL's TLS.

#include "client/limits.h"
#include "stream/http2_stream_fixture.h"
#include "stream/limits.h"
#include "support/mock_answer.h"

namespace streaming {
namespace {

using handoff_protocol::ConnectionState;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Http2StreamTest, StreamsAWholeAnswerUnchunkedAndEndsStreamAndConnection) {
  open_http2();
  read_all();
  EXPECT_EQ(peer.header(":status"), "200");
  EXPECT_EQ(peer.header("transfer-encoding"), "");
  text("a");
  end_of_turn();
  read_all();
  EXPECT_EQ(peer.body(), ":\n\ndata: {\"content\":\"a\"}\n\n");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  peer.read(ring.complete_send(Operation::kClientSend));
  EXPECT_THAT(peer.body(), EndsWith("data: [DONE]\n\n"));
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  EXPECT_EQ(peer.goaways().size(), 1u);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  EXPECT_EQ(ring.count(Operation::kClientShutdown), 0) << "the client closes first";
  client_closes();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
  EXPECT_EQ(counters.get(Counter::kH2cStreams), 1u);
}

TEST_F(Http2OverTlsTest, StreamsAWholeAnswerAndLeavesTheCloseToTheClient) {
  open_http2();
  text("a");
  end_of_turn();
  read_all();
  end_answer();
  EXPECT_THAT(peer.body(), EndsWith("data: {\"content\":\"a\"}\n\ndata: [DONE]\n\n"));
  EXPECT_FALSE(tls.has_clean_end()) << "it has not read all of it, perhaps, and would drop the rest";
  client_closes();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
  EXPECT_EQ(counters.get(Counter::kH2Streams), 1u);
}

TEST_F(Http2OverTlsTest, EndsAStreamWhoseClientSendsARecordThatCannotBeOpened) {
  open_http2();
  read_all();
  peer.ping();
  std::string record = peer_writes();
  record.back() = static_cast<char>(record.back() ^ 1);
  ring.complete(Operation::kClientWatch, POLLIN);
  ring.complete(Operation::kClientReceive, static_cast<std::int32_t>(record.size()), false, record);
  EXPECT_EQ(backend.cancelled, 1);
  tls.read(ring.complete_send(Operation::kClientSend));
  EXPECT_THAT(tls.error(), HasSubstr("alert bad record mac"));
  EXPECT_FALSE(peer.is_whole());
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST_F(Http2OverTlsTest, GoesOnWithTheFramesAndRecordsThatApacheHasReceivedAndNotUsed) {
  constexpr std::size_t kCutFrame = 5, kCutRecord = 30;
  peer.ping();
  const std::string ping = peer.write();
  const std::string record = tls.write(ping.substr(kCutFrame));
  ConnectionState state = connection();
  state.frames = bytes_of(ping).first(kCutFrame);
  state.records = bytes_of(record).first(kCutRecord);
  Client client = http2_client(state);
  open_with(client);
  EXPECT_EQ(table.incomplete_record_bytes(), kCutRecord);
  std::string rest = record.substr(kCutRecord);
  ring.complete(Operation::kClientWatch, POLLIN);
  ring.complete(Operation::kClientReceive, static_cast<std::int32_t>(rest.size()), false, rest);
  read_all();
  EXPECT_EQ(peer.acknowledged_pings(), 1);
  EXPECT_EQ(table.incomplete_record_bytes(), 0u);
}

TEST_F(Http2StreamTest, ActsOnFramesThatApacheHasReceivedAndNotUsed) {
  peer.ping();
  const std::string frames = peer.write();
  ConnectionState state = connection();
  state.frames = bytes_of(frames);
  Client client = http2_client(state);
  open_with(client);
  read_all();
  EXPECT_EQ(peer.acknowledged_pings(), 1);

  peer.cancel();
  const std::string cancelling = peer.write();
  state.frames = bytes_of(cancelling);
  Client gone = http2_client(state);
  open_with(gone);
  EXPECT_EQ(backend.cancelled, 1) << "it has left before its stream began";
}

TEST_F(Http2StreamTest, AnswersARefusedClientOverHttp2) {
  Client client = http2_client();
  ASSERT_TRUE(table.open_refused(client, Refusal{503, "full", 2}));
  end_of_turn();
  read_all();
  EXPECT_EQ(peer.header(":status"), "503");
  EXPECT_EQ(peer.header("retry-after"), "2");
  EXPECT_THAT(peer.body(), StartsWith("{\"error\":\"full\""));
  EXPECT_TRUE(peer.is_whole()) << peer.error();
}

TEST_F(Http2StreamTest, EndsABrokenAnswerWithItsError) {
  open_http2();
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "cut"});
  end_of_turn();
  read_all();
  EXPECT_THAT(peer.body(), HasSubstr("data: {\"error\":"));
  EXPECT_TRUE(peer.is_whole()) << peer.error();
}

// --- A client that leaves -------------------------------------------------------------------------------------------

TEST_F(Http2StreamTest, TakesAResetForLeavingAndSendsFurtherRequestsElsewhere) {
  open_http2();
  read_all();
  peer.cancel();
  client_sends();
  EXPECT_EQ(backend.cancelled, 1);
  Http2Peer late;  // the client before it has read GOAWAY
  const std::int32_t next = late.request();
  client_sends(late.write());
  late.read(send_all());
  EXPECT_EQ(late.closed(next), NGHTTP2_REFUSED_STREAM);
  client_closes();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(Http2StreamTest, EndsWithAClientThatClosesAtOnceBehindItsReset) {
  open_http2();
  read_all();
  peer.cancel();
  client_sends();
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(Http2StreamTest, GoesOnWithoutAClientThatHasResetIfItIsToContinue) {
  open_http2(true);
  read_all();
  peer.cancel();
  client_sends();
  EXPECT_EQ(backend.cancelled, 0);
  text("unheard");
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  client_closes();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(Http2StreamTest, TakesAResetOfAnAnswerThatStillWaitsForLeaving) {
  open_http2();
  read_all();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  ring.complete(Operation::kClientSend, -EAGAIN);
  peer.cancel();
  client_sends();
  ring.complete(Operation::kClientWritable, POLLOUT);
  read_all();
  client_closes();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(Http2StreamTest, SeesAClientThatClosesItsConnection) {
  open_http2();
  read_all();
  client_leaves();
  EXPECT_EQ(backend.cancelled, 1);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(Http2StreamTest, EndsAStreamWhoseClientBreaksTheProtocolWithGoaway) {
  open_http2();
  read_all();
  std::string bytes("\0\0\0\4\0\0\0\0\1", 9);
  ring.complete(Operation::kClientWatch, POLLIN);
  ring.complete(Operation::kClientReceive, static_cast<std::int32_t>(bytes.size()), false, bytes);
  EXPECT_EQ(backend.cancelled, 1);
  read_all();
  EXPECT_THAT(peer.goaways(),
              ElementsAre(Http2Peer::Goaway{1, NGHTTP2_NO_ERROR}, Http2Peer::Goaway{1, NGHTTP2_PROTOCOL_ERROR}));
  EXPECT_FALSE(peer.is_whole());
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientDrain, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientMalformed), 1u);
}

TEST_F(Http2StreamTest, IsReadWithoutALimitOfBytesWhileItsAnswerRuns) {
  open_http2();
  read_all();
  for (int kb = 0; kb < 2 * kMaxReceivedKb; ++kb) {
    text("a");
    end_of_turn();
    read_all();
    peer.open_windows(30);
    client_sends();
  }
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLIN | POLLRDHUP);
}

TEST_F(Http2StreamTest, SendsItsHeadAMomentLaterAndOtherRequestsElsewhereInTheSamePacket) {
  Client client = http2_client();
  ASSERT_TRUE(table.open(client, std::make_unique<HandoffRequest>(), backend));
  text("a");
  peer.ping();
  client_sends();
  pass(kHttp2HeadDelay - Duration(1));
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  pass(Duration(1));
  peer_reads(ring.complete_send(Operation::kClientSend));
  EXPECT_EQ(peer.header(":status"), "200");
  EXPECT_THAT(peer.body(), HasSubstr("\"a\""));
  EXPECT_THAT(peer.goaways(), ElementsAre(Http2Peer::Goaway{1, NGHTTP2_NO_ERROR}));
  EXPECT_EQ(peer.acknowledged_pings(), 1);
}

TEST_F(Http2StreamTest, SendsNothingBeforeApacheKnowsHoweverLongThatTakes) {
  Client client = http2_client();
  const Admission admission = table.open(client, std::make_unique<HandoffRequest>(), backend);
  ASSERT_TRUE(admission);
  table.hold(*admission.stream());
  pass(2 * kHttp2HeadDelay);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  table.start(*admission.stream());
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 1);
}

TEST_F(Http2StreamTest, RefusesFurtherStreamsWhileItStreams) {
  open_http2();
  read_all();
  Http2Peer late;  // the client before it has read GOAWAY
  const std::int32_t other = late.request(), third = late.request();
  client_sends(late.write());
  late.read(send_all());
  EXPECT_EQ(late.closed(other), NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(late.closed(third), NGHTTP2_REFUSED_STREAM);
  text("a");
  end_of_turn();
  read_all();
  EXPECT_THAT(peer.body(), HasSubstr("\"a\""));
}

// --- Windows --------------------------------------------------------------------------------------------------------

class Http2WindowStreamTest : public Http2StreamTest {
 protected:
  Http2WindowStreamTest() : Http2StreamTest(kSettings, {.initial_window = 3, .updates_windows = false}) {}
};

TEST_F(Http2WindowStreamTest, IsBlockedByAWindowAsByAFullBuffer) {
  open_http2();
  read_all();
  EXPECT_EQ(peer.body(), ":\n\n");
  const std::string piece(1000, 'x');
  for (std::size_t queued = 0; queued <= kSettings.max_queued_bytes; queued += piece.size()) text(piece);
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  EXPECT_EQ(backend.paused, 1);
  peer.open_windows(60'000);
  client_sends();
  read_all();
  EXPECT_EQ(backend.resumed, 1);
  EXPECT_EQ(peer.body().size(), 60'003u);
}

TEST_F(Http2WindowStreamTest, EndsAStreamWhoseClientDoesNotOpenItsWindow) {
  open_http2();
  read_all();
  text("a");
  end_of_turn();
  pass(kSettings.write_timeout - Duration(1));
  EXPECT_EQ(backend.cancelled, 0);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0) << "no heartbeats meanwhile";
  pass(Duration(1));
  EXPECT_EQ(backend.cancelled, 1);
  read_all();
  EXPECT_EQ(peer.closed(peer.stream()), NGHTTP2_CANCEL);
  EXPECT_THAT(peer.goaways(), ElementsAre(Http2Peer::Goaway{1, NGHTTP2_NO_ERROR}));
  client_closes();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(Http2WindowStreamTest, ResetsAnAnswerWhoseEndTheClientDoesNotTake) {
  open_http2();
  read_all();
  text("a");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  pass(kSettings.write_timeout);
  read_all();
  EXPECT_EQ(peer.closed(peer.stream()), NGHTTP2_CANCEL);
  EXPECT_FALSE(peer.is_whole());
  client_closes();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(Http2WindowStreamTest, EndsAtOnceIfTheResetFindsNoRoomEither) {
  open_http2();
  read_all();
  text("a");
  end_of_turn();
  pass(kSettings.write_timeout);
  ring.complete(Operation::kClientSend, -EAGAIN);
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(Http2WindowStreamTest, WaitsAnewWhenTheClientHasTakenSome) {
  open_http2();
  read_all();
  text("abc");
  end_of_turn();
  pass(kSettings.write_timeout - Duration(1));
  peer.open_windows(1);
  client_sends();
  read_all();
  pass(kSettings.write_timeout - Duration(1));
  EXPECT_EQ(backend.cancelled, 0);
  pass(Duration(1));
  EXPECT_EQ(backend.cancelled, 1);
}

TEST_F(Http2WindowStreamTest, SendsTheEndWhenTheWindowOpens) {
  open_http2();
  read_all();
  text("a");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  read_all();
  EXPECT_FALSE(peer.is_whole());
  peer.open_windows(1000);
  client_sends();
  read_all();
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  client_closes();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(Http2WindowStreamTest, RepliesWhileItsWindowIsClosed) {
  open_http2();
  read_all();
  text("a");
  end_of_turn();
  pass(kSettings.write_timeout / 2);
  peer.ping();
  client_sends();
  read_all();
  EXPECT_EQ(peer.acknowledged_pings(), 1);
  pass(kSettings.write_timeout / 2);
  EXPECT_EQ(backend.cancelled, 1) << "a client that takes a reply has not taken any text";
}

TEST_F(Http2WindowStreamTest, GoesOnAtOnceIfAClientCancelsWhoseWindowIsClosed) {
  open_http2(true);
  read_all();
  text(std::string(2 * kSettings.max_queued_bytes, 'x'));
  end_of_turn();
  EXPECT_EQ(backend.paused, 1);
  peer.cancel();
  client_sends();
  read_all();
  EXPECT_EQ(backend.resumed, 1);
  pass(kSettings.write_timeout);
  EXPECT_EQ(backend.cancelled, 0);
}

// --- A head that waits ----------------------------------------------------------------------------------------------

class Http2HeldHeadTest : public Http2StreamTest {
 protected:
  static constexpr StreamSettings kHeld = [] {
    StreamSettings settings = kSettings;
    settings.early_head = false;
    return settings;
  }();
  Http2HeldHeadTest() : Http2StreamTest(kHeld) {}
};

TEST_F(Http2HeldHeadTest, RepliesAtOnceAndKeepsTheStatusOpen) {
  open_http2();
  peer.ping();
  client_sends();
  read_all();
  EXPECT_EQ(peer.acknowledged_pings(), 1);
  EXPECT_EQ(peer.header(":status"), "");
  backend.sink->on_failure({.kind = FailureKind::kUnreachable, .detail = "refused"});
  end_of_turn();
  read_all();
  EXPECT_EQ(peer.header(":status"), "502");
  EXPECT_TRUE(peer.is_whole()) << peer.error();
}

TEST_F(Http2HeldHeadTest, SendsTheHeadWhenTheClientOpensAnotherStreamWhichCannotBeRefusedBefore) {
  open_http2();
  const std::int32_t other = peer.request();
  client_sends();
  read_all();
  EXPECT_EQ(peer.header(":status"), "200");
  EXPECT_EQ(peer.closed(other), NGHTTP2_REFUSED_STREAM);
  pass(kSettings.heartbeat_interval);
  read_all();
  EXPECT_THAT(peer.body(), HasSubstr(": ping"));
}

}  // namespace
}  // namespace streaming
