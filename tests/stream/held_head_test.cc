// SPDX-License-Identifier: Apache-2.0
// The head is held back until the answer has begun, so that an earlier failure gets its own status.

#include "stream/stream_fixture.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

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
  EXPECT_THAT(sent,
              EndsWith("{\"error\":\"The model is busy, try again soon.\",\"code\":\"upstream_busy\",\"retry_after\":7}\n"));
}

TEST_F(HeldHeadTest, AnswersSilenceWithAStatusToo) {
  open();
  pass(kSettings.first_byte_timeout);
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"));
}

TEST_F(HeldHeadTest, AnswersAnUpstreamErrorInTheFirstEventOfFormatRawWithAStatus) {
  auto request = std::make_unique<HandoffRequest>();
  request->format = "raw";
  open(std::move(request));
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
  EXPECT_THAT(send_all(), EndsWith("data: {\"error\":\"The answer broke off.\",\"code\":\"upstream_truncated\"}\n\n"));
}

TEST_F(HeldHeadTest, SendsTheHeadOfAnAnswerWithoutWords) {
  open();
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, EndsWith("event: done\nid: done\ndata: {}\n\ndata: [DONE]\n\n"));
}

}  // namespace
}  // namespace streaming
