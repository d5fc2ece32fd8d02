// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over a ring that completes as the test says: which requests are sent again when their connection is lost, and
// what is received for an answer that is paused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "support/fake_ring.h"
#include "support/http_client_loop.h"
#include "upstream/http1_client.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kEnd = "0\r\n\r\n";

class Http1FaultsTest : public testing::Test {
 protected:
  Http1FaultsTest() {
    EXPECT_TRUE(UpstreamClient::start_library().ok());
    transport.enter_at(completions);
    ring.set_handler(completions);
    start();
  }

  void start() {
    receiver.emplace();
    receiver->transfer =
        client.start(HttpRequest{.url = "http://127.0.0.1:1/", .headers = {}, .body = "{}"}, *receiver);
  }
  void end_turn() {
    timers.expire();
    timers.end_turn();
  }
  void complete(Operation operation, std::int32_t result) {
    ring.complete(operation, result);
    end_turn();
  }
  void connect() {
    end_turn();
    complete(Operation::kUpstreamConnect, 0);
  }
  void send() {
    EXPECT_THAT(ring.complete_send(Operation::kUpstreamSend), StartsWith("POST / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"));
    end_turn();
  }
  // The receive goes on afterwards.
  void bring(std::string bytes) {
    ring.complete(Operation::kUpstreamReceive, static_cast<std::int32_t>(bytes.size()), true, bytes);
    end_turn();
  }
  void end_what_was_cancelled() {
    ring.complete_cancelled();
    end_turn();
  }
  void leave_an_idle_connection() {
    connect();
    send();
    bring(kHead + "2\r\nok\r\n" + kEnd);
    EXPECT_EQ(receiver->body + receiver->error, "ok");
  }
  void expect_a_whole_answer() {
    send();
    bring(kHead + "5\r\nhello\r\n" + kEnd);
    EXPECT_EQ(receiver->body + receiver->error, "hello");
    EXPECT_TRUE(receiver->finished);
  }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  SocketWatches watches{ring};
  Resolver resolver{watches, timers};
  HttpTransport transport{ring, timers, resolver};
  Http1Client client{transport};
  std::optional<RecordingReceiver> receiver;
  CompletionTable completions;
};

TEST_F(Http1FaultsTest, AsksOverAnotherConnectionIfAnIdleOneIsLostBeforeAnythingIsSent) {
  for (const int result : {0, -ECONNRESET}) {
    SCOPED_TRACE(result);
    leave_an_idle_connection();
    start();
    complete(Operation::kUpstreamReceive, result);  // in the turn in which the request has got the connection
    EXPECT_FALSE(receiver->finished);
    EXPECT_EQ(ring.count(Operation::kUpstreamSend), 0);
    connect();
    expect_a_whole_answer();
    timers.set_now(timers.now() + kUpstreamIdleTimeout);
    end_turn();
    end_what_was_cancelled();
    start();
  }
}

TEST_F(Http1FaultsTest, DoesNotAskAgainIfTheServerMayHaveSeenTheRequest) {
  leave_an_idle_connection();
  start();
  end_turn();
  EXPECT_EQ(ring.count(Operation::kUpstreamSend), 1);
  complete(Operation::kUpstreamReceive, 0);
  EXPECT_EQ(receiver->error, "the upstream closed the connection before its answer");
  EXPECT_EQ(ring.count(Operation::kUpstreamConnect), 0);
  complete(Operation::kUpstreamSend, -EPIPE);
}

TEST_F(Http1FaultsTest, DoesNotAskAgainAndAgainAServerThatClosesEachConnection) {
  end_turn();
  ring.complete(Operation::kUpstreamConnect, 0);
  complete(Operation::kUpstreamReceive, 0);
  EXPECT_NE(receiver->error, "");
  EXPECT_EQ(ring.count(Operation::kUpstreamConnect), 0);
}

TEST_F(Http1FaultsTest, TakesNothingForAnAnswerThatCameBeforeTheRequestWasSent) {
  leave_an_idle_connection();
  start();
  bring("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(receiver->finished);
  end_what_was_cancelled();
  connect();
  expect_a_whole_answer();
}

TEST_F(Http1FaultsTest, SendsTheRestOfAShortSend) {
  connect();
  const std::string bytes = ring.find(Operation::kUpstreamSend).bytes;
  EXPECT_THAT(bytes, EndsWith("\r\n\r\n{}"));
  complete(Operation::kUpstreamSend, 10);
  EXPECT_EQ(ring.find(Operation::kUpstreamSend).bytes, bytes.substr(10));
  complete(Operation::kUpstreamSend, static_cast<std::int32_t>(bytes.size() - 10));
  bring(kHead + kEnd);
  EXPECT_TRUE(receiver->finished);
  EXPECT_EQ(receiver->error, "");
}

TEST_F(Http1FaultsTest, ReceivesNothingMoreForAPausedAnswerUntilItIsResumed) {
  connect();
  send();
  bring(kHead + "5\r\nhello\r\n");
  receiver->transfer->pause();
  bring("1\r\n!\r\n");
  bring("1\r\n?\r\n");  // the ring had it already
  EXPECT_EQ(receiver->body, "hello");
  end_what_was_cancelled();
  EXPECT_EQ(ring.count(Operation::kUpstreamReceive), 0);
  receiver->transfer->resume();
  end_turn();
  EXPECT_EQ(receiver->body, "hello!?");
  bring(kEnd);
  EXPECT_TRUE(receiver->finished);
  EXPECT_EQ(receiver->error, "");
}

TEST_F(Http1FaultsTest, ReceivesAgainForTheNextRequestIfAPausedAnswerHadComeWhole) {
  connect();
  send();
  receiver->transfer->pause();
  bring(kHead + "2\r\nok\r\n" + kEnd);
  end_what_was_cancelled();
  receiver->transfer->resume();
  end_turn();
  EXPECT_EQ(receiver->body + receiver->error, "ok");
  EXPECT_EQ(ring.count(Operation::kUpstreamReceive), 1);
  start();
  end_turn();
  expect_a_whole_answer();
}

TEST_F(Http1FaultsTest, ReceivesAgainIfItIsResumedBeforeTheReceiveIsCancelled) {
  connect();
  send();
  receiver->transfer->pause();
  bring(kHead + "5\r\nhello\r\n");
  receiver->transfer->resume();
  end_turn();
  EXPECT_EQ(receiver->body, "hello");
  end_what_was_cancelled();
  EXPECT_EQ(ring.count(Operation::kUpstreamReceive), 1);
  bring(kEnd);
  EXPECT_TRUE(receiver->finished);
  EXPECT_EQ(receiver->error, "");
}

TEST_F(Http1FaultsTest, HandsOutWhatAPausedAnswerHadBroughtWhenItsConnectionWasLost) {
  for (const bool whole : {true, false}) {
    connect();
    send();
    receiver->transfer->pause();
    bring(kHead + "5\r\nhello\r\n" + (whole ? kEnd : ""));
    complete(Operation::kUpstreamReceive, 0);
    EXPECT_FALSE(receiver->finished);
    receiver->transfer->resume();
    end_turn();
    EXPECT_EQ(receiver->body, "hello");
    EXPECT_TRUE(receiver->finished);
    EXPECT_EQ(receiver->error, whole ? "" : "the upstream closed the connection");
    EXPECT_TRUE(ring.pending.empty());
    start();
  }
}

TEST_F(Http1FaultsTest, FreesNothingBeforeTheKernelHasDone) {
  connect();
  receiver->transfer.reset();  // while the request is being sent
  end_turn();
  end_what_was_cancelled();
  EXPECT_EQ(client.connections(), 1u);
  complete(Operation::kUpstreamSend, -ECONNRESET);
  EXPECT_EQ(client.connections(), 0u);
}

TEST_F(Http1FaultsTest, FailsARequestWhoseConnectFails) {
  end_turn();
  complete(Operation::kUpstreamConnect, -ECONNREFUSED);
  EXPECT_EQ(receiver->error, "cannot connect to the upstream: Connection refused");
  EXPECT_TRUE(ring.pending.empty());
}

TEST_F(Http1FaultsTest, LosesPatienceWithAServerThatDoesNotTakeTheConnection) {
  end_turn();
  timers.set_now(timers.now() + kUpstreamConnectTimeout);
  end_turn();
  EXPECT_THAT(receiver->error, HasSubstr("took too long"));
  end_what_was_cancelled();
  EXPECT_TRUE(ring.pending.empty());
}

}  // namespace
}  // namespace streaming
