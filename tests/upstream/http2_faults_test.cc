// SPDX-License-Identifier: Apache-2.0
// HTTP/2 over a ring that completes as the test says: what the kernel has no memory or no buffer for is tried again,
// what is lost is told once, and nothing is freed that the kernel still holds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <string>

#include "support/fake_ring.h"
#include "support/http_client_loop.h"
#include "upstream/http2_client.h"

namespace streaming {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::array kPassingErrors{ENOMEM, ENOBUFS, EAGAIN, EINTR};
constexpr std::array kFinalErrors{ECONNRESET, EPIPE, ECANCELED};

const std::string kSettings = "\0\0\0\4\0\0\0\0\0"s;
const std::string kPing =
    "\0\0\x8\6\0\0\0\0\0"
    "12345678"s;  // to be answered
const std::string kHead200 = "\0\0\1\1\4\0\0\0\1\x88"s;
const std::string kLastData = "\0\0\5\0\1\0\0\0\1hello"s;

class Http2FaultsTest : public testing::Test {
 protected:
  Http2FaultsTest() {
    EXPECT_TRUE(UpstreamClient::start_library().ok());
    transport.enter_at(completions);
    ring.set_handler(completions);
    start();
  }

  void start() {
    receiver.emplace();
    receiver->transfer = client.start(
        HttpRequest{
            .url = "http://127.0.0.1:1/", .headers = {}, .body = "{}", .version = HttpVersion::kHttp2PriorKnowledge},
        *receiver);
    end_turn();
  }

  void end_turn() {
    timers.expire();
    timers.end_turn();
  }
  void connect() {
    ring.complete(Operation::kUpstreamConnect, 0);
    end_turn();
  }
  void complete(Operation operation, std::int32_t result) {
    ring.complete(operation, result);
    end_turn();
  }
  void send_all() {
    while (ring.count(Operation::kUpstreamSend) > 0) {
      ring.complete_send(Operation::kUpstreamSend);
      end_turn();
    }
  }
  // The multishot receive goes on, or has ended with this.
  void bring(std::string bytes, bool more = true) {
    ring.complete(Operation::kUpstreamReceive, static_cast<std::int32_t>(bytes.size()), more, bytes);
    end_turn();
  }
  void expect_a_whole_answer() {
    send_all();
    bring(kSettings);
    bring(kHead200 + kLastData);
    EXPECT_EQ(receiver->status, 200);
    EXPECT_EQ(receiver->body, "hello");
    EXPECT_TRUE(receiver->finished);
    EXPECT_EQ(receiver->error, "");
  }
  void end_what_was_cancelled() {
    ring.complete_cancelled();
    end_turn();
  }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  SocketWatches watches{ring};
  Resolver resolver{watches, timers};
  HttpTransport transport{ring, timers, resolver};
  Http1Client http1{transport};
  Http2Client client{transport, http1};
  std::optional<RecordingReceiver> receiver;
  CompletionTable completions;
};

TEST_F(Http2FaultsTest, SendsAgainWhatTheKernelHadNoMemoryFor) {
  connect();
  for (const int error : kPassingErrors) {
    const std::string bytes = ring.find(Operation::kUpstreamSend).bytes;
    EXPECT_THAT(bytes, StartsWith("PRI * HTTP/2.0"));
    complete(Operation::kUpstreamSend, -error);
    EXPECT_EQ(ring.count(Operation::kUpstreamSend), 0) << "at once it would fail again";
    complete(Operation::kUpstreamWritable, POLLOUT);
    EXPECT_EQ(ring.find(Operation::kUpstreamSend).bytes, bytes);
  }
  expect_a_whole_answer();
}

TEST_F(Http2FaultsTest, TriesToSendWhenThePollForRoomFails) {
  connect();
  complete(Operation::kUpstreamSend, -EAGAIN);
  complete(Operation::kUpstreamWritable, -ENOMEM);
  expect_a_whole_answer();
}

TEST_F(Http2FaultsTest, SendsTheRestOfAShortSend) {
  connect();
  const std::string bytes = ring.find(Operation::kUpstreamSend).bytes;
  complete(Operation::kUpstreamSend, 10);
  EXPECT_EQ(ring.find(Operation::kUpstreamSend).bytes, bytes.substr(10));
  expect_a_whole_answer();
}

TEST_F(Http2FaultsTest, GoesOnReceivingWhenTheOperationEndsOrHasNoMemory) {
  connect();
  for (const int error : kPassingErrors) {
    complete(Operation::kUpstreamReceive, -error);
    EXPECT_EQ(ring.count(Operation::kUpstreamReceive), 1);
  }
  expect_a_whole_answer();
}

TEST_F(Http2FaultsTest, ReceivesAgainWhereTheMultishotEndsWithBytes) {
  connect();
  send_all();
  bring(kSettings, false);
  bring(kHead200, false);
  bring(kLastData, false);
  EXPECT_EQ(receiver->body, "hello");
  EXPECT_EQ(ring.count(Operation::kUpstreamReceive), 1);
}

TEST_F(Http2FaultsTest, TellsOnceOfALostConnectionAndFreesNothingBeforeTheKernelHasDone) {
  for (const Operation operation : {Operation::kUpstreamSend, Operation::kUpstreamReceive}) {
    for (const int error : kFinalErrors) {
      SCOPED_TRACE(error);
      start();
      connect();
      send_all();
      bring(kSettings);
      bring(kHead200);
      ASSERT_EQ(receiver->status, 200);
      bring(kPing);
      complete(operation, -error);
      EXPECT_TRUE(receiver->finished);
      EXPECT_NE(receiver->error, "");
      end_what_was_cancelled();
      while (!ring.pending.empty()) complete(ring.pending.front().tag.operation, -error);
    }
  }
}

TEST_F(Http2FaultsTest, FailsARequestWhoseConnectFails) {
  for (int tries = 0; tries < 10 && !receiver->finished; ++tries) complete(Operation::kUpstreamConnect, -ENOMEM);
  EXPECT_THAT(receiver->error, HasSubstr("cannot connect to the upstream"));
  EXPECT_TRUE(ring.pending.empty());
}

}  // namespace
}  // namespace streaming
