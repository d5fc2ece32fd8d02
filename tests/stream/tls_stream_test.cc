// SPDX-License-Identifier: Apache-2.0
// Streams to a client over TLS: OpenSSL's, whose handshake another OpenSSL has made.

#include "stream/limits.h"
#include "stream/stream_fixture.h"
#include "support/mock_answer.h"
#include "support/tls_peer.h"
#include "tls/limits.h"

namespace streaming {
namespace {

using handoff_protocol::TlsVersion;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int32_t kHeaderBytes = 5;

class TlsStreamTest : public StreamTest {
 protected:
  explicit TlsStreamTest(const StreamSettings& settings = kSettings, const TlsSetup& setup = {})
      : StreamTest(settings), peer(setup) {}

  void open_tls(std::unique_ptr<HandoffRequest> request = std::make_unique<HandoffRequest>()) {
    Client client = tls_client();
    ASSERT_TRUE(table.open(client, std::move(request), backend));
    timers.end_turn();
  }
  void open_chunked() {
    auto request = std::make_unique<HandoffRequest>();
    request->apache.protocol = "HTTP/1.1";
    open_tls(std::move(request));
  }
  Client tls_client() { return tls_client(peer.server_state()); }
  static Client tls_client(const handoff_protocol::TlsState& state) {
    return {UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0)), Transport::kTls, ClientConnection::make({.tls = state})};
  }
  // Lets everything go, and returns what the client reads.
  std::string read_all() { return peer.read(send_all()); }
  // The client's bytes arrive and are received.
  void client_sends(std::string bytes) {
    ring.complete(Operation::kClientWatch, POLLIN);
    ring.complete(Operation::kClientReceive, static_cast<std::int32_t>(bytes.size()), false, bytes);
  }

  TlsPeer peer;
};

class TlsStreamOfEachVersion : public TlsStreamTest, public testing::WithParamInterface<TlsVersion> {
 protected:
  TlsStreamOfEachVersion() : TlsStreamTest(kSettings, {.version = GetParam(), .suite = {}}) {}
};

INSTANTIATE_TEST_SUITE_P(, TlsStreamOfEachVersion, testing::Values(TlsVersion::k12, TlsVersion::k13),
                         [](const auto& version) { return version.param == TlsVersion::k12 ? "Tls12" : "Tls13"; });

TEST_P(TlsStreamOfEachVersion, StreamsAWholeAnswerAndEndsItWithCloseNotifyInTheSameSend) {
  open_chunked();
  EXPECT_THAT(read_all(), HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  text("a");
  end_of_turn();
  EXPECT_EQ(read_all(), "17\r\ndata: {\"content\":\"a\"}\n\n\r\n");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  EXPECT_EQ(peer.read(ring.complete_send(Operation::kClientSend)), "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
  EXPECT_TRUE(peer.has_clean_end()) << peer.error();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  ring.complete(Operation::kClientShutdown, 0);
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

// As Python's http.client and others do.
TEST_F(TlsStreamTest, IsCompleteForAClientThatResetsWithCloseNotifyUnread) {
  for (const auto& [unacknowledged, cause] : {std::pair(kUnacknowledgedAtReset, CloseCause::kCompleted),
                                              std::pair(kUnacknowledgedAtReset + 1, CloseCause::kClientGone)}) {
    open_tls();
    backend.sink->on_end(FinishReason::kStop);
    end_of_turn();
    send_all();
    ring.complete(Operation::kClientShutdown, 0);
    ring.complete(Operation::kClientWatch, POLLIN | POLLERR | POLLHUP | POLLRDHUP);
    ring.complete(Operation::kClientDrain, -ECONNRESET);
    ring.complete(Operation::kClientUnacknowledged, unacknowledged);
    finish();
    EXPECT_EQ(closed(cause), 1u) << unacknowledged;
  }
}

TEST_F(TlsStreamTest, MakesOneRecordOfWhatATurnHasQueued) {
  Client client = tls_client();
  ASSERT_TRUE(table.open(client, std::make_unique<HandoffRequest>(), backend));
  text("a");
  text("b");
  end_of_turn();
  const std::string sent = send_all();
  const std::size_t length = static_cast<unsigned char>(sent[3]) << 8 | static_cast<unsigned char>(sent[4]);
  EXPECT_EQ(sent.size(), kHeaderBytes + length) << "head and events are in one record";
  const std::string answer = peer.read(sent);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("data: {\"content\":\"a\"}\n\ndata: {\"content\":\"b\"}\n\n"));
}

TEST_F(TlsStreamTest, KeepsRecordsInOrderForAClientThatTakesThemInPieces) {
  open_tls();
  std::string sent;
  for (int i = 0; i < 20; ++i) {
    text("piece");
    end_of_turn();
    if (i % 3 == 0) {
      ring.complete(Operation::kClientSend, -EAGAIN);
      ring.complete(Operation::kClientWritable, POLLOUT);
    }
    const std::string bytes = ring.find(Operation::kClientSend).bytes;
    const std::size_t taken = bytes.size() / 2 + 1;
    sent += bytes.substr(0, taken);
    ring.complete(Operation::kClientSend, static_cast<std::int32_t>(taken));
  }
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  const std::string answer = peer.read(sent + send_all());
  EXPECT_EQ(peer.error(), "");
  EXPECT_TRUE(peer.has_clean_end());
  EXPECT_EQ(occurrences(answer, "piece"), 20u);
}

TEST_F(TlsStreamTest, CountsBytesOfWholeRecords) {
  open_tls();
  const std::size_t bytes = send_all().size();
  EXPECT_EQ(counters.get(Counter::kBytes), bytes);
}

TEST_F(TlsStreamTest, AnswersARefusedClientThroughTls) {
  Client client = tls_client();
  ASSERT_TRUE(table.open_refused(client, Refusal{503, "full", 2}));
  end_of_turn();
  const std::string answer = read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(peer.has_clean_end());
}

TEST_F(TlsStreamTest, EndsABrokenAnswerWithItsErrorAndCloseNotify) {
  open_tls();
  text("a");
  end_of_turn();
  read_all();
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "cut"});
  end_of_turn();
  EXPECT_THAT(read_all(), HasSubstr("data: {\"error\":"));
  EXPECT_TRUE(peer.has_clean_end());
}

TEST_F(TlsStreamTest, LeavesAnAnswerThatIsCutWithoutCloseNotify) {
  open_tls();
  read_all();
  text("never taken");
  end_of_turn();
  ring.complete(Operation::kClientSend, -EAGAIN);
  pass(kSettings.write_timeout);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  finish();
  peer.end_of_file();
  EXPECT_FALSE(peer.has_clean_end());
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(TlsStreamTest, EndsAStreamWhoseKeyHasNoFurtherRecordAndNoSuccessor) {
  handoff_protocol::TlsState state = TlsPeer({.version = TlsVersion::k12, .suite = {}}).server_state();
  state.to_client.sequence = kMaxRecordsPerKey - 1;
  Client client = tls_client(state);
  ASSERT_TRUE(table.open(client, std::make_unique<HandoffRequest>(), backend));
  end_of_turn();
  send_all();
  EXPECT_EQ(backend.cancelled, 0);
  text("one too many");
  end_of_turn();
  EXPECT_EQ(backend.cancelled, 1);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kTlsFailed), 1u);
}

TEST_P(TlsStreamOfEachVersion, TakesCloseNotifyForLeaving) {
  open_tls();
  read_all();
  client_sends(peer.close());
  EXPECT_EQ(backend.cancelled, 1);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(TlsStreamTest, GoesOnWithoutAClientThatHasSentCloseNotifyIfItIsToContinue) {
  auto request = std::make_unique<HandoffRequest>();
  request->continue_without_client = true;
  open_tls(std::move(request));
  read_all();
  client_sends(peer.close());
  EXPECT_EQ(backend.cancelled, 0);
  text("unheard");
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  backend.sink->on_end(FinishReason::kStop);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_P(TlsStreamOfEachVersion, DropsWhatAClientSendsAndSeesItLeaveBehindThat) {
  open_tls();
  read_all();
  for (int i = 0; i < 3; ++i) client_sends(peer.write("GET /next HTTP/1.1\r\n\r\n"));
  text("a");
  end_of_turn();
  EXPECT_THAT(read_all(), HasSubstr("\"a\""));
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(TlsStreamTest, OpensARecordThatComesInPieces) {
  open_tls();
  read_all();
  const std::string record = peer.close();
  client_sends(record.substr(0, 7));
  EXPECT_EQ(backend.cancelled, 0);
  client_sends(record.substr(7));
  EXPECT_EQ(backend.cancelled, 1);
  finish();
}

TEST_P(TlsStreamOfEachVersion, EndsAStreamWhoseClientSendsARecordThatCannotBeOpened) {
  open_chunked();
  read_all();
  const std::string record = peer.write("once");
  client_sends(record);
  client_sends(record);
  EXPECT_EQ(backend.cancelled, 1) << "it was sent twice";
  EXPECT_EQ(peer.read(ring.complete_send(Operation::kClientSend)), "") << "an answer that breaks off has no last chunk";
  EXPECT_THAT(peer.error(), HasSubstr("alert bad record mac"));
  EXPECT_FALSE(peer.has_clean_end());
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientDrain, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientMalformed), 1u);
}

TEST_F(TlsStreamTest, AnswersAKeyUpdateAlsoWithoutAnEvent) {
  open_tls();
  read_all();
  client_sends(peer.update_keys(true));
  EXPECT_EQ(ring.count(Operation::kClientSend), 1);
  EXPECT_EQ(read_all(), "");
  text("with the next key");
  end_of_turn();
  EXPECT_THAT(read_all(), HasSubstr("with the next key"));
  EXPECT_EQ(peer.error(), "");
  client_sends(peer.close());
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u) << "the client's next key is known, too";
}

TEST_F(TlsStreamTest, WaitsForTheClientAgainIfThereWasNothingOrNoBuffer) {
  open_tls();
  read_all();
  ring.complete(Operation::kClientWatch, POLLIN);
  ring.complete(Operation::kClientReceive, -ENOBUFS);
  EXPECT_EQ(ring.count(Operation::kClientReceive), 1);
  ring.complete(Operation::kClientReceive, -EAGAIN);
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLIN | POLLRDHUP);
  ring.complete(Operation::kClientWatch, POLLIN);
  ring.complete(Operation::kClientReceive, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(TlsStreamTest, ReadsNoMoreThanItsLimitOfAClientThatGoesOnSendingWhileItsAnswerRuns) {
  open_tls();
  read_all();
  for (int kb = 0; kb < kMaxReceivedKb; ++kb) client_sends(peer.write("x"));
  ring.complete(Operation::kClientWatch, POLLIN);
  EXPECT_EQ(ring.count(Operation::kClientReceive), 0);
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLRDHUP);
  text("a");
  end_of_turn();
  EXPECT_THAT(read_all(), HasSubstr("\"a\"")) << "its answer goes on";
  client_leaves();
  finish();
}

TEST_F(TlsStreamTest, DropsAnIncompleteRecordAndReadsNoMoreWhenThoseOfAllClientsTakeTooMuch) {
  open_tls();
  read_all();
  const std::string cut = peer.write("cut");
  client_sends(cut.substr(0, 7));
  EXPECT_EQ(table.incomplete_record_bytes(), 7u);
  client_sends(cut.substr(7));
  EXPECT_EQ(table.incomplete_record_bytes(), 0u);

  table.count_incomplete_record(0, kMaxIncompleteRecordBytes);
  client_sends(peer.write("whole"));
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLIN | POLLRDHUP);
  client_sends(peer.write("cut").substr(0, 7));
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLRDHUP);
  EXPECT_EQ(table.incomplete_record_bytes(), kMaxIncompleteRecordBytes);
  text("a");
  end_of_turn();
  EXPECT_THAT(read_all(), HasSubstr("\"a\"")) << "its answer goes on";
  client_leaves();
  finish();
}

TEST_F(TlsStreamTest, FreesAnIncompleteRecordWithItsStream) {
  open_tls();
  read_all();
  client_sends(peer.write("cut").substr(0, 7));
  client_leaves();
  finish();
  EXPECT_EQ(table.incomplete_record_bytes(), 0u);
}

TEST_F(TlsStreamTest, OnlyDrainsBehindItsOwnCloseNotify) {
  open_tls();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  read_all();
  ASSERT_TRUE(peer.has_clean_end());
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientWatch, POLLIN);
  EXPECT_EQ(ring.count(Operation::kClientReceive), 0);
  ring.complete(Operation::kClientDrain, 100);
  ring.complete(Operation::kClientDrain, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(TlsStreamTest, DropsWhatItHasReceivedWhenTheAnswerHasEndedMeanwhile) {
  open_tls();
  read_all();
  ring.complete(Operation::kClientWatch, POLLIN);
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  read_all();
  ASSERT_EQ(ring.count(Operation::kClientShutdown), 1);
  std::string garbage(100, 'g');
  ring.complete(Operation::kClientReceive, 100, false, garbage);
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientDrain, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(TlsStreamTest, FreesAStreamWhoseReceiveIsInFlightOnlyBehindIt) {
  open_tls();
  read_all();
  ring.complete(Operation::kClientWatch, POLLIN);
  text("a");
  end_of_turn();
  ring.complete(Operation::kClientSend, -EPIPE);
  ring.complete_cancelled();
  EXPECT_EQ(ring.count(Operation::kClientClose), 0);
  ring.complete(Operation::kClientReceive, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

// --- Errors in place of a stream ------------------------------------------------------------------------------------

class TlsHeldHeadTest : public TlsStreamTest {
 protected:
  static constexpr StreamSettings kHeld = [] {
    StreamSettings settings = kSettings;
    settings.early_head = false;
    return settings;
  }();
  TlsHeldHeadTest() : TlsStreamTest(kHeld) {}
};

TEST_F(TlsHeldHeadTest, AnswersAFailureBeforeTheFirstEventWithItsStatus) {
  open_tls();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  backend.sink->on_failure({.kind = FailureKind::kUnreachable, .detail = "refused"});
  end_of_turn();
  EXPECT_THAT(read_all(), StartsWith("HTTP/1.1 502 "));
  EXPECT_TRUE(peer.has_clean_end());
}

// Its record has a number, and the client would miss it.
TEST_F(TlsHeldHeadTest, SendsARecordThatIsMadeAlsoIfTheAnswerFailsBeforeTheClientHasTakenAnyOfIt) {
  open_tls();
  text("a");
  end_of_turn();
  ring.complete(Operation::kClientSend, -EAGAIN);
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "cut"});
  end_of_turn();
  ring.complete(Operation::kClientWritable, POLLOUT);
  const std::string answer = read_all();
  EXPECT_EQ(peer.error(), "");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("data: {\"error\":"));
  EXPECT_TRUE(peer.has_clean_end());
}

TEST_F(TlsHeldHeadTest, AnswersAKeyUpdateAtOnceAndKeepsTheHeadBack) {
  open_tls();
  client_sends(peer.update_keys(true));
  EXPECT_EQ(read_all(), "");
  backend.sink->on_failure({.kind = FailureKind::kUnreachable, .detail = "refused"});
  end_of_turn();
  EXPECT_THAT(read_all(), StartsWith("HTTP/1.1 502 ")) << "the status is still open";
  EXPECT_EQ(peer.error(), "");
}

TEST_F(TlsHeldHeadTest, SendsTheAnswerToAKeyUpdateAgainIfTheClientHadNoRoom) {
  open_tls();
  client_sends(peer.update_keys(true));
  ring.complete(Operation::kClientSend, -EAGAIN);
  ring.complete(Operation::kClientWritable, POLLOUT);
  EXPECT_EQ(ring.count(Operation::kClientSend), 1);
  EXPECT_EQ(read_all(), "") << "the head is kept back";
  text("a");
  end_of_turn();
  EXPECT_THAT(read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(peer.error(), "");
}

TEST_F(TlsHeldHeadTest, FailsWhileTheAnswerToAKeyUpdateIsBeingSent) {
  open_tls();
  client_sends(peer.update_keys(true));
  backend.sink->on_failure({.kind = FailureKind::kUnreachable, .detail = "refused"});
  end_of_turn();
  EXPECT_THAT(read_all(), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(peer.error(), "");
}

// --- Many clients ---------------------------------------------------------------------------------------------------

class ManyTlsStreamsTest : public TlsStreamTest {
 protected:
  static constexpr StreamSettings kMany = [] {
    StreamSettings settings = kSettings;
    settings.max_streams = 2 * kMaxClientReceives;
    return settings;
  }();
  ManyTlsStreamsTest() : TlsStreamTest(kMany) { load.assigned = 100; }
};

TEST_F(ManyTlsStreamsTest, ReceivesFromSoManyAtATimeAndFromEachInItsTurn) {
  for (std::uint32_t i = 0; i < kMany.max_streams; ++i) open_tls();
  for (std::uint32_t i = 0; i < kMany.max_streams; ++i) ring.complete(Operation::kClientWatch, POLLIN);
  EXPECT_EQ(ring.count(Operation::kClientReceive), static_cast<int>(kMaxClientReceives));
  for (std::uint32_t i = 0; i < kMany.max_streams; ++i) {
    EXPECT_EQ(ring.find(Operation::kClientReceive).tag.slot.index, i);
    ring.complete(Operation::kClientReceive, -EAGAIN);
  }
  EXPECT_EQ(ring.count(Operation::kClientReceive), 0);
  EXPECT_EQ(ring.count(Operation::kClientWatch), static_cast<int>(kMany.max_streams));
}

TEST_F(ManyTlsStreamsTest, SkipsAStreamThatHasEndedWhileItsReceiveWaited) {
  for (std::uint32_t i = 0; i <= kMaxClientReceives; ++i) open_tls();
  for (std::uint32_t i = 0; i <= kMaxClientReceives; ++i) ring.complete(Operation::kClientWatch, POLLIN);
  table.close_all(CloseCause::kShutdown);
  end_of_turn();
  pass(kMany.write_timeout);
  for (std::uint32_t i = 0; i < kMaxClientReceives; ++i) ring.complete(Operation::kClientReceive, -EAGAIN);
  EXPECT_EQ(ring.count(Operation::kClientReceive), 0);
}

}  // namespace
}  // namespace streaming
