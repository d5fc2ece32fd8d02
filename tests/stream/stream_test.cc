// SPDX-License-Identifier: Apache-2.0
// A stream's life over a ring whose completions the test decides.

#include "sse/limits.h"
#include "stream/limits.h"
#include "stream/stream_fixture.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(StreamTest, SendsHeadAndFirstEventTogetherWhenBothAreReady) {
  Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
  ASSERT_TRUE(table.open(client, std::make_unique<HandoffRequest>(), backend));
  text("hello");
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, EndsWith("data: {\"content\":\"hello\"}\n\n"));
  EXPECT_FALSE(client.socket) << "the descriptor must not stay in the process's table";
}

TEST_F(StreamTest, SendsChunksToAClientThatKnowsThemAndTheLastOneOnlyAtAnOrderlyEnd) {
  const auto open_chunked = [this] {
    auto request = std::make_unique<HandoffRequest>();
    request->apache.protocol = "HTTP/1.1";
    open(std::move(request));
  };
  open_chunked();
  const std::string head = send_all();
  EXPECT_THAT(head, HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n3\r\n:\n\n\r\n"));
  text("a");
  end_of_turn();
  EXPECT_EQ(send_all(), "17\r\ndata: {\"content\":\"a\"}\n\n\r\n");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  EXPECT_EQ(send_all(), "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");

  open_chunked();
  send_all();
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "cut"});
  end_of_turn();
  const std::string error = send_all();
  EXPECT_THAT(error, HasSubstr("data: {\"error\":"));
  EXPECT_THAT(error, EndsWith("\r\n0\r\n\r\n")) << "the answer is broken, the HTTP is whole";
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
  auto request = std::make_unique<HandoffRequest>();
  request->continue_without_client = true;
  Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
  ASSERT_TRUE(table.open(client, std::move(request), backend));
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

TEST_F(StreamTest, ShowsAFailureAsAnErrorEventWithoutDoneAndWithoutItsDetail) {
  open();
  text("half an ans");
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "https://internal.example/v1 said no"});
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, EndsWith("data: {\"error\":\"The answer broke off.\",\"code\":\"upstream_truncated\"}\n\n"));
  EXPECT_THAT(sent, Not(HasSubstr("internal.example")));
  EXPECT_THAT(sent, Not(HasSubstr("[DONE]")));
}

TEST_F(StreamTest, AnswersInTheFormatOfTheHandoff) {
  auto request = std::make_unique<HandoffRequest>();
  request->format = "raw";
  open(std::move(request));
  EXPECT_TRUE(backend.sink->wants_upstream_events());
  backend.sink->on_event({.kind = AnswerEvent::Kind::kUpstream, .text = "{}", .name = "ping"});
  end_of_turn();
  EXPECT_THAT(send_all(), EndsWith("event: ping\ndata: {}\n\n"));
}

TEST_F(StreamTest, AnswersInTheFormatOfItsBackendUnlessTheHandoffNamesOne) {
  backend.own_format = "raw";
  open();
  EXPECT_TRUE(backend.sink->wants_upstream_events());
  auto request = std::make_unique<HandoffRequest>();
  request->format = "content";
  open(std::move(request));
  EXPECT_FALSE(backend.sink->wants_upstream_events());
}

TEST_F(StreamTest, RefusesAFormatThatItDoesNotKnow) {
  auto request = std::make_unique<HandoffRequest>();
  request->format = "xml";
  const Admission admission = try_to_open(std::move(request));
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.refusal().status, 400);
  EXPECT_THAT(admission.refusal().message, HasSubstr("content, raw"));
}

TEST_F(StreamTest, CountsTheTokensThatTheUpstreamHasCountedLastByModel) {
  auto request = std::make_unique<HandoffRequest>();
  request->model = "m";
  open(std::move(request));
  backend.sink->on_usage({.input_tokens = 3, .output_tokens = 1});
  backend.sink->on_usage({.input_tokens = 3, .output_tokens = 9});
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  client_leaves();
  ring.complete(Operation::kClientShutdown, 0);
  finish();
  const TokenCounts::ByModel tokens = table.metrics().tokens().all();
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens.begin()->first.second, "m");
  EXPECT_EQ(tokens.begin()->second.input, 3u);
  EXPECT_EQ(tokens.begin()->second.output, 9u);
}

TEST_F(StreamTest, TellsTheSessionThatTheClientHasTheEnd) {
  open();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  EXPECT_FALSE(backend.client_has_end.has_value()) << "the client has not acknowledged it";
  client_leaves();
  ring.complete(Operation::kClientShutdown, 0);
  finish();
  EXPECT_EQ(backend.causes.front(), CloseCause::kCompleted);
  EXPECT_EQ(backend.client_has_end, true);
}

TEST_F(StreamTest, TellsTheSessionWhyItEndsAnAnswer) {
  open();
  pass(kSettings.first_byte_timeout);
  EXPECT_EQ(backend.causes, std::vector{CloseCause::kFirstByteTimeout});
  send_all();
  client_leaves();
  ring.complete(Operation::kClientShutdown, 0);
  finish();
  EXPECT_EQ(backend.client_has_end, true) << "of the error event";
  open();
  client_leaves();
  send_all();
  finish();
  EXPECT_EQ(backend.causes.back(), CloseCause::kClientGone);
  EXPECT_EQ(backend.client_has_end, false);
}

TEST_F(StreamTest, TellsTheSessionWhyAnAnswerEndsThatGoesOnWithoutItsClient) {
  auto request = std::make_unique<HandoffRequest>();
  request->continue_without_client = true;
  open(std::move(request));
  text("a");
  client_leaves();
  send_all();
  EXPECT_TRUE(backend.causes.empty());
  pass(kSettings.idle_timeout);
  EXPECT_EQ(backend.causes.front(), CloseCause::kIdleTimeout);
  finish();
  EXPECT_EQ(backend.client_has_end, false);
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
  for (std::size_t drained = 0; drained < kMaxReceivedKb * 1024u; drained += 16 * 1024) {
    ASSERT_EQ(ring.count(Operation::kClientDrain), 1);
    ring.complete(Operation::kClientDrain, 16 * 1024);
  }
  ring.complete(Operation::kClientUnacknowledged, 0);
  finish();
  EXPECT_TRUE(table.empty());

  open();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  send_all();
  ring.complete(Operation::kClientShutdown, 0);
  pass(kDrainTimeout);
  ring.complete(Operation::kClientUnacknowledged, 0);
  finish();
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(closed(CloseCause::kCompleted), 2u);
}

TEST_F(StreamTest, NamesAUiMessageByItsRequestOrByANameOfItsOwn) {
  auto request = std::make_unique<HandoffRequest>();
  request->format = "ui-message";
  request->request_id = "r-1";
  open(std::move(request));
  text("hi");
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, HasSubstr("\r\nx-vercel-ai-ui-message-stream: v1\r\n"));
  EXPECT_THAT(sent, HasSubstr("{\"type\":\"start\",\"messageId\":\"r-1\"}"));

  request = std::make_unique<HandoffRequest>();
  request->format = "ui-message";
  open(std::move(request));
  text("hi");
  end_of_turn();
  EXPECT_THAT(send_all(), testing::ContainsRegex("\"messageId\":\"[0-9a-f]+\""));
}

TEST_F(StreamTest, EndsAnAnswerOfWhichItsFormatCannotKeepEnough) {
  auto request = std::make_unique<HandoffRequest>();
  request->format = "ui-message";
  open(std::move(request));
  backend.sink->on_event({.kind = AnswerEvent::Kind::kToolCall, .id = "c", .name = "f"});
  backend.sink->on_event({.kind = AnswerEvent::Kind::kToolInput, .text = std::string(kMaxToolInputBytes, 'x')});
  end_of_turn();
  EXPECT_THAT(send_all(),
              EndsWith("data: {\"type\":\"error\",\"errorText\":\"The model's answer is too large.\"}\n\n"));
  EXPECT_EQ(backend.cancelled, 1);
  ring.complete(Operation::kClientShutdown, 0);
  pass(kDrainTimeout);
  ring.complete(Operation::kClientUnacknowledged, 0);
  finish();
  EXPECT_EQ(closed(CloseCause::kUpstreamTooLarge), 1u);
}

TEST_F(StreamTest, EndsAllWithAnErrorEventAtShutdown) {
  open();
  open();
  table.close_all(CloseCause::kShutdown);
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, HasSubstr("data: {\"error\":\"The server is being restarted.\",\"code\":\"shutdown\"}"));
  EXPECT_EQ(backend.cancelled, 2);
}

}  // namespace
}  // namespace streaming
