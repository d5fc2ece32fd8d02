// A stream's life over a ring that completes as the test says.

#include "stream/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/log.h"
#include "stream/stream_table.h"
#include "support/fake_ring.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Does what the test tells the sink to do.
struct FakeBackend : Backend {
  struct Session : BackendSession {
    explicit Session(FakeBackend& owner) : backend(owner) {}
    ~Session() override { ++backend.destroyed; }
    void pause() override { ++backend.paused; }
    void resume() override { ++backend.resumed; }
    void cancel() override { ++backend.cancelled; }
    FakeBackend& backend;
  };

  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& event_sink) override {
    sink = &event_sink;
    return std::make_unique<Session>(*this);
  }

  EventSink* sink = nullptr;
  int paused = 0, resumed = 0, cancelled = 0, destroyed = 0;
};

class StreamTest : public testing::Test, private CompletionHandler {
 protected:
  static constexpr StreamSettings kSettings{.max_streams = 2,
                                            .max_stream_duration = Duration(300'000),
                                            .first_byte_timeout = Duration(30'000),
                                            .idle_timeout = Duration(60'000),
                                            .write_timeout = Duration(30'000),
                                            .heartbeat_interval = Duration(15'000),
                                            .max_queued_bytes = 64 * 1024,
                                            .log_each_stream = false};

  explicit StreamTest(const StreamSettings& settings = kSettings)
      : table{ring, timers, load, users, counters, settings} {
    log::set_level(log::level::off);
    ring.set_handler(*this);
    load.assigned = 10;
  }

  std::optional<Refusal> open(const HandoffRequest& request = {}) {
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
    std::optional<Refusal> refusal = table.open(client, request, backend);
    table.flush();
    return refusal;
  }
  void text(std::string_view piece) { backend.sink->on_event({.kind = AnswerEvent::Kind::kText, .text = piece}); }
  void end_of_turn() { table.flush(); }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
    table.flush();
  }
  // Lets everything that the stream wants to send go, and returns it.
  std::string send_all() {
    std::string sent;
    while (ring.count(Operation::kClientSend) > 0) sent += ring.complete_send(Operation::kClientSend);
    return sent;
  }
  void client_leaves() { ring.complete(Operation::kClientWatch, POLLIN | POLLRDHUP); }
  // Completes the cancelled operations and the close.
  void finish() {
    ring.complete_cancelled();
    ring.complete(Operation::kClientClose, 0);
  }
  std::uint64_t closed(CloseCause cause) const { return table.metrics().closed_by(cause); }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  WorkerLoad load;
  Counters counters;
  FakeBackend backend;
  UserLimits users{1, 0};
  StreamTable table;

 private:
  void on_completion(const Completion& completion) override {
    table.on_completion(completion);
    table.flush();
  }
};

TEST_F(StreamTest, SendsHeadAndFirstEventTogetherWhenBothAreReady) {
  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(table.open(client, HandoffRequest{}, backend), std::nullopt);
  text("hello");
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, EndsWith("data: {\"content\":\"hello\"}\n\n"));
  EXPECT_FALSE(client) << "the descriptor must not stay in the process's table";
}

TEST_F(StreamTest, PutsTheClientIntoTheSlotOfItsStream) {
  open();
  open();
  EXPECT_THAT(ring.adopted, testing::ElementsAre(0u, 1u));
}

TEST_F(StreamTest, SendsTheEventsOfOneTurnAsOne) {
  open();
  send_all();
  text("a");
  text("b");
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  end_of_turn();
  EXPECT_EQ(send_all(), "data: {\"content\":\"a\"}\n\ndata: {\"content\":\"b\"}\n\n");
}

TEST_F(StreamTest, EndsWithDoneThenShutsDownThenWaitsForTheClientThenCloses) {
  open();
  text("a");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  EXPECT_EQ(backend.cancelled, 1);
  EXPECT_EQ(ring.count(Operation::kClientShutdown), 0) << "not before all is sent";
  EXPECT_THAT(send_all(), EndsWith("data: [DONE]\n\n"));
  ring.complete(Operation::kClientShutdown, 0);
  EXPECT_TRUE(ring.closed.empty()) << "the client has not closed yet";
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(backend.destroyed, 1);
  EXPECT_EQ(load.assigned, 9u);
}

TEST_F(StreamTest, IsNotCompletedWhenTheClientLeavesBeforeTheEndWasSent) {
  open();
  send_all();
  text("a");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  ring.complete(Operation::kClientSend, -EPIPE);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 0u);
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(StreamTest, CancelsTheBackendAtOnceWhenTheClientLeavesBeforeTheFirstEvent) {
  open();
  send_all();
  client_leaves();
  EXPECT_EQ(backend.cancelled, 1);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_F(StreamTest, LetsTheBackendFinishWithoutTheClientWhereThatWasAsked) {
  HandoffRequest request;
  request.continue_without_client = true;
  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(table.open(client, request, backend), std::nullopt);
  end_of_turn();
  client_leaves();
  EXPECT_EQ(backend.cancelled, 0);
  ring.complete(Operation::kClientSend, -EPIPE);
  text("nobody hears this");
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  pass(kSettings.heartbeat_interval);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  backend.sink->on_end(FinishReason::kStop);
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
  EXPECT_TRUE(table.empty());
}

TEST_F(StreamTest, FreesNothingWhileTheKernelHoldsItsSend) {
  open();
  client_leaves();
  EXPECT_EQ(ring.count(Operation::kClientSend), 1);
  EXPECT_EQ(ring.count(Operation::kClientClose), 0);
  EXPECT_FALSE(table.empty());
  ring.complete(Operation::kClientSend, -EPIPE);
  finish();
  EXPECT_TRUE(table.empty());
}

TEST_F(StreamTest, WaitsForAFullBufferAndGoesOnWhereItStopped) {
  open();
  send_all();
  text("abc");
  end_of_turn();
  const std::string frame = ring.find(Operation::kClientSend).bytes;
  ring.complete(Operation::kClientSend, 5);
  ring.complete(Operation::kClientSend, -EAGAIN);
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  text("more");
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0) << "not before the client is writable";
  ring.complete(Operation::kClientWritable, POLLOUT);
  EXPECT_EQ(ring.complete_send(Operation::kClientSend), frame.substr(5));
  EXPECT_EQ(send_all(), "data: {\"content\":\"more\"}\n\n");
}

// --- What the kernel fails with -------------------------------------------------------------------------------------

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
    finish();

    open();
    ring.complete(Operation::kClientWatch, POLLIN);
    backend.sink->on_end(FinishReason::kStop);
    end_of_turn();
    send_all();
    ring.complete(Operation::kClientShutdown, 0);
    ring.complete(Operation::kClientDrain, -error);
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

// --- Slow clients, silent upstreams ---------------------------------------------------------------------------------

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
  EXPECT_THAT(send_all(), StartsWith("data: {\"error\":"));
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
  EXPECT_THAT(sent, HasSubstr("data: {\"error\":\"The model did not answer in time.\"}"));
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
  EXPECT_THAT(sent, HasSubstr("data: {\"error\":\"The answer took too long.\"}"));
  EXPECT_THAT(sent, Not(HasSubstr("[DONE]")));
}

TEST_F(StreamTest, ShowsAFailureAsAnErrorEventWithoutDoneAndWithoutItsDetail) {
  open();
  text("half an ans");
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "https://internal.example/v1 said no"});
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, EndsWith("data: {\"error\":\"The answer broke off.\"}\n\n"));
  EXPECT_THAT(sent, Not(HasSubstr("internal.example")));
  EXPECT_THAT(sent, Not(HasSubstr("[DONE]")));
}

TEST_F(StreamTest, AnswersInTheFormatOfTheHandoff) {
  HandoffRequest request;
  request.format = "raw";
  EXPECT_EQ(open(request), std::nullopt);
  EXPECT_TRUE(backend.sink->wants_upstream_events());
  backend.sink->on_event({.kind = AnswerEvent::Kind::kUpstream, .text = "{}", .name = "ping"});
  end_of_turn();
  EXPECT_THAT(send_all(), EndsWith("event: ping\ndata: {}\n\n"));
}

TEST_F(StreamTest, RefusesAFormatThatItDoesNotKnow) {
  HandoffRequest request;
  request.format = "xml";
  const std::optional<Refusal> refusal = open(request);
  ASSERT_NE(refusal, std::nullopt);
  EXPECT_EQ(refusal->status, 400);
  EXPECT_THAT(refusal->message, HasSubstr("content, raw"));
}

TEST_F(StreamTest, CountsTheTokensThatTheUpstreamHasCountedLastByModel) {
  HandoffRequest request;
  request.model = "m";
  open(request);
  backend.sink->on_usage({.input_tokens = 3, .output_tokens = 1});
  backend.sink->on_usage({.input_tokens = 3, .output_tokens = 9});
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  client_leaves();
  ring.complete(Operation::kClientShutdown, 0);
  finish();
  const StreamMetrics::Tokens tokens = table.metrics().tokens();
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens.begin()->first.second, "m");
  EXPECT_EQ(tokens.begin()->second.input_tokens, 3u);
  EXPECT_EQ(tokens.begin()->second.output_tokens, 9u);
}

class HeldHeadTest : public StreamTest {
 protected:
  HeldHeadTest() : StreamTest(settings()) {}

  static StreamSettings settings() {
    StreamSettings settings = kSettings;
    settings.early_head = false;
    settings.done_event = true;
    return settings;
  }
};

TEST_F(HeldHeadTest, SendsTheHeadWithTheFirstEventAndNoHeartbeatBefore) {
  open();
  pass(2 * kSettings.heartbeat_interval - Duration(1));
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  text("hi");
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, EndsWith("data: {\"content\":\"hi\"}\n\n"));
  pass(kSettings.heartbeat_interval);
  EXPECT_EQ(send_all(), ": ping\n\n");
}

TEST_F(HeldHeadTest, AnswersAFailureBeforeTheFirstEventWithAStatusOfItsOwn) {
  open();
  backend.sink->on_failure(
      {.kind = FailureKind::kStatus, .detail = "status 429", .status = 429, .retry_after_seconds = 7});
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nRetry-After: 7\r\n"));
  EXPECT_THAT(sent, EndsWith("{\"error\":\"The model refused the request.\"}\n"));
}

TEST_F(HeldHeadTest, AnswersSilenceWithAStatusToo) {
  open();
  pass(kSettings.first_byte_timeout);
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"));
}

TEST_F(HeldHeadTest, AnswersAnUpstreamErrorInTheFirstEventOfFormatRawWithAStatus) {
  HandoffRequest request;
  request.format = "raw";
  open(request);
  backend.sink->on_event({.kind = AnswerEvent::Kind::kUpstream, .text = "{\"error\":{}}"});
  backend.sink->on_failure({.kind = FailureKind::kReported, .detail = "an error event"});
  end_of_turn();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
}

TEST_F(HeldHeadTest, ShowsALaterFailureAsAnEvent) {
  open();
  text("hi");
  end_of_turn();
  send_all();
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "x"});
  end_of_turn();
  EXPECT_THAT(send_all(), EndsWith("data: {\"error\":\"The answer broke off.\"}\n\n"));
}

TEST_F(HeldHeadTest, SendsTheHeadOfAnAnswerWithoutWords) {
  open();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, EndsWith("event: done\nid: done\ndata: {}\n\ndata: [DONE]\n\n"));
}

TEST_F(StreamTest, ReadsWhatTheClientStillSendsSoThatClosingDoesNotResetIt) {
  open();
  ring.complete(Operation::kClientWatch, POLLIN);
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLRDHUP) << "bytes are not looked for again while it streams";
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  ring.complete(Operation::kClientShutdown, 0);
  ring.complete(Operation::kClientDrain, 4000);
  ring.complete(Operation::kClientDrain, -EAGAIN);
  ring.complete_cancelled();
  EXPECT_EQ(ring.find(Operation::kClientWatch).events, POLLIN | POLLRDHUP);
  ring.complete(Operation::kClientWatch, POLLIN);
  ring.complete(Operation::kClientDrain, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(StreamTest, DrainsNoMoreThanItsLimits) {
  open();
  ring.complete(Operation::kClientWatch, POLLIN);
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  ring.complete(Operation::kClientShutdown, 0);
  for (std::size_t drained = 0; drained < kDrainBytes; drained += 16 * 1024) {
    ASSERT_EQ(ring.count(Operation::kClientDrain), 1);
    ring.complete(Operation::kClientDrain, 16 * 1024);
  }
  finish();
  EXPECT_TRUE(table.empty());

  open();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  ring.complete(Operation::kClientShutdown, 0);
  pass(kDrainTimeout);
  finish();
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(closed(CloseCause::kCompleted), 2u);
}

TEST_F(StreamTest, RefusesWhenAllPlacesAreTakenAndHasRoomToSaySo) {
  EXPECT_EQ(open(), std::nullopt);
  EXPECT_EQ(open(), std::nullopt);
  const std::optional<Refusal> refusal = open();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 503);
  EXPECT_GT(refusal->retry_after_seconds, 0);
  send_all();

  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_TRUE(table.open_refused(client, *refusal));
  end_of_turn();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(StreamTest, RefusesWhenTheKernelDoesNotTakeTheClient) {
  ring.adopt_errno = ENOMEM;
  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_TRUE(table.open(client, HandoffRequest{}, backend));
  EXPECT_TRUE(client) << "the client is still the caller's to answer";
  EXPECT_TRUE(table.empty());
}

TEST_F(StreamTest, RefusesAUserWhoHasEnoughAndAdmitsHimAgainWhenAStreamHasEnded) {
  HandoffRequest request;
  request.user_id = "u";
  const auto open_for_user = [&] {
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
    return table.open(client, request, backend);
  };
  EXPECT_EQ(open_for_user(), std::nullopt);
  const std::optional<Refusal> refusal = open_for_user();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 429);
  EXPECT_GT(refusal->retry_after_seconds, 0);
  client_leaves();
  finish();
  EXPECT_EQ(open_for_user(), std::nullopt);
}

TEST_F(StreamTest, NamesAUiMessageByItsRequestOrByANameOfItsOwn) {
  HandoffRequest request;
  request.format = "ui-message";
  request.request_id = "r-1";
  open(request);
  text("hi");
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, HasSubstr("\r\nx-vercel-ai-ui-message-stream: v1\r\n"));
  EXPECT_THAT(sent, HasSubstr("{\"type\":\"start\",\"messageId\":\"r-1\"}"));

  request.request_id = "";
  open(request);
  text("hi");
  end_of_turn();
  EXPECT_THAT(send_all(), testing::ContainsRegex("\"messageId\":\"[0-9a-f]+\""));
}

TEST_F(StreamTest, EndsAnAnswerOfWhichItsFormatCannotKeepEnough) {
  HandoffRequest request;
  request.format = "ui-message";
  open(request);
  backend.sink->on_event({.kind = AnswerEvent::Kind::kToolCall, .id = "c", .name = "f"});
  backend.sink->on_event({.kind = AnswerEvent::Kind::kToolInput, .text = std::string(kMaxToolInputBytes, 'x')});
  end_of_turn();
  EXPECT_THAT(send_all(),
              EndsWith("data: {\"type\":\"error\",\"errorText\":\"The model's answer is too large.\"}\n\n"));
  EXPECT_EQ(backend.cancelled, 1);
  ring.complete(Operation::kClientShutdown, 0);
  pass(kDrainTimeout);
  finish();
  EXPECT_EQ(closed(CloseCause::kUpstreamTooLarge), 1u);
}

TEST_F(StreamTest, EndsAllWithAnErrorEventAtShutdown) {
  open();
  open();
  table.close_all(CloseCause::kShutdown);
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, HasSubstr("data: {\"error\":\"The server is being restarted.\"}"));
  EXPECT_EQ(backend.cancelled, 2);
}

}  // namespace
}  // namespace streaming
