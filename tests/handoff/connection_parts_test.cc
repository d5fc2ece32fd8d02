// SPDX-License-Identifier: Apache-2.0
// Messages that describe their clients' connections.

#include "handoff/limits.h"
#include "handoff/receiver_fixture.h"
#include "support/payload_memfd.h"

namespace streaming {
namespace {

class ConnectionPartsTest : public HandoffReceiverTest {};

INSTANTIATE_TEST_SUITE_P(EachType, ConnectionPartsTest, testing::Values(SOCK_SEQPACKET, SOCK_STREAM), name_of_type);

TEST_P(ConnectionPartsTest, TakesAClientOverTlsWhoseConnectionIsDescribedInFrontOfThePayload) {
  for (const auto version : {handoff_protocol::TlsVersion::k12, handoff_protocol::TlsVersion::k13}) {
    connect();
    arrive_with_client(tls_part(version) + R"({"prompt":"hi"})");
    EXPECT_EQ(reply(), "A");
    EXPECT_EQ(prompts.back(), "hi");
    EXPECT_EQ(clients.back().transport, Transport::kTls);
    EXPECT_TRUE(clients.back().connection);
  }
  connect();
  arrive_with_client(tls_part() + '\0');
  EXPECT_EQ(reply(), "A") << "a payload is optional, as for every client";
}

TEST_P(ConnectionPartsTest, TakesAPayloadInAMemfdBehindAConnectionPart) {
  auto [client, browser] = socket_pair();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(client));
  descriptors.push_back(payload_memfd(R"({"prompt":"from a memfd"})"));
  connect();
  arrive(tls_part() + '\0', std::move(descriptors));
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(prompts, std::vector<std::string>{"from a memfd"});
  EXPECT_TRUE(clients.back().connection);
}

TEST_P(ConnectionPartsTest, CountsThePayloadWithoutTheConnectionPart) {
  const std::string payload = R"({"prompt":"123"})";
  receiver.set_limits({kReceiveTimeout, payload.size(), {}, {}});
  connect();
  arrive_with_client(tls_part() + payload);
  EXPECT_EQ(reply(), "A");
  connect();
  arrive_with_client(tls_part() + R"({"prompt":"1234"})");
  EXPECT_EQ(reply(), R"(R{"status":413,"connection":2})");
}

TEST_P(ConnectionPartsTest, AnswersARefusedClientOverTlsThroughTls) {
  connect();
  arrive_with_client(tls_part() + "[]");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(clients.back().connection);
}

TEST_P(ConnectionPartsTest, RefusesAConnectionPartThatItCannotReadAndAnswersNobodyInPlainText) {
  std::string unknown = tls_part();
  unknown[1] = 9;
  std::string malformed = tls_part();
  malformed[3] = static_cast<char>(malformed[3] - 1);
  for (const std::string& part : {unknown, malformed}) {
    auto [client, browser] = socket_pair();
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(client));
    connect();
    arrive(part + "{}", std::move(descriptors));
    EXPECT_EQ(read_some(browser.get()), "") << "it is closed, because Apache alone can write to it";
    EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
    EXPECT_TRUE(receiver.idle());
  }
  EXPECT_TRUE(answered.empty());
  EXPECT_TRUE(prompts.empty());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(ConnectionPartsTest, RefusesAMessageThatEndsWithinItsConnectionPart) {
  connect();
  arrive_with_client(tls_part().substr(0, 20));
  if (GetParam() == SOCK_STREAM) arrive("", {});
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":2})");
  EXPECT_TRUE(receiver.idle());
}

}  // namespace
}  // namespace streaming
