// SPDX-License-Identifier: Apache-2.0
// Messages on SOCK_STREAM, which may come in parts.

#include <algorithm>

#include "handoff/limits.h"
#include "handoff/receiver_fixture.h"
#include "protocol/handoff_protocol.h"
#include "support/payload_memfd.h"

namespace streaming {
namespace {

class StreamReceiverTest : public ReceiverFixture {
 protected:
  StreamReceiverTest() { receiver.set_socket_type(SOCK_STREAM); }
};

TEST_F(StreamReceiverTest, WaitsForTheRestOfTheMessage) {
  connect();
  arrive_with_client(R"( {"prompt":"a \"}\\)");
  EXPECT_TRUE(prompts.empty());
  arrive(R"(\" b","request":{"n":[1)", {});
  arrive("]}", {});
  arrive("}", {});
  EXPECT_EQ(prompts, std::vector<std::string>{R"(a "}\" b)"});
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 1u);
  EXPECT_EQ(load.unread, 0u);
}

TEST_F(StreamReceiverTest, TakesAMessageThatIsCutAnywhere) {
  const std::string payload = R"({"prompt":"a \"}\\","request":{"n":[1,"]"]}})";
  for (std::size_t cut = 1; cut < payload.size(); ++cut) {
    connect();
    arrive_with_client(payload.substr(0, cut));
    arrive(payload.substr(cut), {});
    EXPECT_EQ(reply(), "A") << payload.substr(0, cut);
    EXPECT_EQ(prompts.back(), R"(a "}\)");
  }
}

TEST_F(StreamReceiverTest, TakesAConnectionPartAndItsPayloadThatAreCutAnywhere) {
  const std::string message = tls_part() + R"({"prompt":"a"})";
  for (std::size_t cut = 1; cut < message.size(); ++cut) {
    connect();
    arrive_with_client(message.substr(0, cut));
    arrive(message.substr(cut), {});
    ASSERT_EQ(reply(), "A") << cut;
    EXPECT_EQ(prompts.back(), "a");
    EXPECT_TRUE(clients.back().connection);
  }
  connect();
  arrive_with_client(message.substr(0, 1));
  for (const char byte : message.substr(1)) arrive(std::string(1, byte), {});
  EXPECT_EQ(reply(), "A");
}

TEST_F(StreamReceiverTest, WaitsForTheEndOfTheConnectionPartThoughTheMemfdIsThere) {
  auto [client, browser] = socket_pair();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(client));
  descriptors.push_back(payload_memfd(R"({"prompt":"from a memfd"})"));
  connect();
  arrive(tls_part().substr(0, 50), std::move(descriptors));
  arrive(tls_part().substr(50), {});
  EXPECT_TRUE(prompts.empty());
  arrive(std::string(1, '\0'), {});
  EXPECT_EQ(prompts, std::vector<std::string>{"from a memfd"});
}

TEST_F(StreamReceiverTest, RefusesAStrangerWithinItsConnectionPartAndAnswersNobodyInPlainText) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33}, {}});
  sender = ucred{1, 1000, 33};
  connect();
  arrive_with_client(tls_part().substr(0, 20));
  EXPECT_EQ(reply(), R"(R{"status":403,"connection":2})");
  EXPECT_TRUE(receiver.idle());
  EXPECT_TRUE(answered.empty());
}

TEST_F(StreamReceiverTest, TakesTheEndOfFileForTheEndOfTheMessage) {
  connect();
  arrive_with_client(" \n");
  arrive("{}", {});
  EXPECT_EQ(reply(), "A") << "a blank begins no message that is whole";
  connect();
  arrive_with_client("{\"prompt\":");
  arrive("", {});
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
}

TEST_F(StreamReceiverTest, TakesWhatIsNoObjectAsItComes) {
  for (const std::string& payload : {std::string(1, '\0'), std::string("\"text\""), std::string("}")}) {
    connect();
    arrive_with_client(payload);
    EXPECT_EQ(reply(), payload.front() == '\0' ? "A" : R"(R{"status":400,"connection":2})") << payload;
    if (payload.front() != '\0') ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  }
}

TEST_F(StreamReceiverTest, RefusesAMessageThatIsTooLargeBeforeItsEnd) {
  receiver.set_limits({kReceiveTimeout, 20, {}, {}});
  connect();
  arrive_with_client("{\"prompt\":");
  arrive("\"0123456789", {});
  EXPECT_EQ(reply(), R"(R{"status":413,"connection":2})");
}

TEST_F(StreamReceiverTest, RefusesAStrangerBeforeTheEndOfItsMessage) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33}, {}});
  sender = ucred{1, 1000, 33};
  connect();
  arrive_with_client("{");
  EXPECT_EQ(reply(), R"(R{"status":403,"connection":2})");
}

TEST_F(StreamReceiverTest, RefusesADescriptorThatComesLater) {
  connect();
  arrive_with_client("{");
  auto [later, its_end] = socket_pair();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(later));
  arrive("}", std::move(descriptors));
  EXPECT_EQ(read_some(its_end.get()), "") << "it is closed";
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
}

TEST_F(StreamReceiverTest, RefusesAMessageWhoseRestDoesNotComeInTime) {
  connect();
  pass(kReceiveTimeout / 2);
  arrive_with_client("{");
  pass(kReceiveTimeout / 2);
  ring.complete_cancelled();
  pass(Duration(0));
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})") << "its time runs from its connection";
}

TEST_F(StreamReceiverTest, CountsAPeerWithAPartOfItsMessageAmongTheSilent) {
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  arrive_with_client("{");
  const Tag first = ring.pending.back().tag;
  pass(kSilentAfter);
  EXPECT_TRUE(ring.cancelled.empty());
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  EXPECT_NE(std::find(ring.cancelled.begin(), ring.cancelled.end(), first), ring.cancelled.end());
}

TEST_F(StreamReceiverTest, RefusesTheMessageThatHasGrownLastWhenAllIncompleteOnesHoldTooMuch) {
  const std::string part = "{\"prompt\":\"" + std::string(handoff_protocol::kMaxInlinePayloadBytes - 13, 'x');
  constexpr auto kFit = kMaxPartialMessageBytes / handoff_protocol::kMaxInlinePayloadBytes;
  for (std::size_t i = 0; i <= kFit; ++i) connect();
  for (std::size_t i = 0; i < kFit; ++i) arrive_with_client(part);
  EXPECT_EQ(ring.count(Operation::kHandoffReply), 0);
  arrive_with_client(part);
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":1,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  arrive("\"}", {});
  EXPECT_EQ(reply(), "A");
  receiver.stop();
  ring.complete_cancelled();
  while (ring.count(Operation::kHandoffReply) > 0) reply();
  pass(kReplyTimeoutAtEnd);
  ring.complete_cancelled();
  EXPECT_TRUE(receiver.idle());
}

}  // namespace
}  // namespace streaming
