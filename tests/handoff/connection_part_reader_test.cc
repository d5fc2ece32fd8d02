// SPDX-License-Identifier: Apache-2.0
#include "handoff/connection_part_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/connection_part.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

constexpr std::string_view kPayload = R"({"prompt":"hi"})";

std::string_view view(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

bool is_wiped(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

TEST(ConnectionPartReader, LeavesThePayloadOfAMessageWithoutAPartAsItIs) {
  std::string message(kPayload);
  ConnectionPartReader reader;
  EXPECT_EQ(view(reader.take(message)), kPayload);
  Client client;
  reader.give_to(client);
  EXPECT_TRUE(reader.status().ok());
  EXPECT_FALSE(client.connection);
}

TEST(ConnectionPartReader, WipesThePartWhereItLayHoweverTheMessageIsCut) {
  const std::string part = connection_part(handoff_protocol::TlsState());
  const std::string message = part + std::string(kPayload);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    std::string first = message.substr(0, cut);
    std::string second = message.substr(cut);
    ConnectionPartReader reader;
    std::string payload(view(reader.take(first)));
    payload += view(reader.take(second));
    EXPECT_EQ(payload, kPayload) << cut;
    EXPECT_TRUE(is_wiped((first + second).substr(0, part.size()))) << cut;
    Client client;
    reader.give_to(client);
    EXPECT_EQ(client.transport, Transport::kTls);
    EXPECT_TRUE(client.connection);
  }
}

TEST(ConnectionPartReader, WipesAllOfAMessageWhosePartItDoesNotUnderstand) {
  std::string message = connection_part(handoff_protocol::TlsState()) + std::string(kPayload);
  message[1] = 9;
  ConnectionPartReader reader;
  EXPECT_TRUE(reader.take(message).empty());
  EXPECT_TRUE(reader.failed());
  EXPECT_TRUE(is_wiped(message));
}

TEST(ConnectionPartReader, SaysWhatIsWrongAndClosesTheClient) {
  const std::string part = connection_part(handoff_protocol::TlsState());
  std::string unknown = part;
  unknown[1] = 9;
  std::string malformed = part;
  malformed[7] = 1;
  for (const auto& [message, problem] : {std::pair{unknown, "does not know"},
                                         {malformed, "malformed"},
                                         {part.substr(0, part.size() - 1), "ends within"}}) {
    std::string bytes = message;
    ConnectionPartReader reader;
    reader.take(bytes);
    ASSERT_FALSE(reader.status().ok());
    EXPECT_NE(reader.status().error().message.find(problem), std::string::npos) << reader.status().error().message;
    auto [socket, browser] = socket_pair();
    Client client{std::move(socket)};
    reader.give_to(client);
    EXPECT_EQ(read_some(browser.get()), "");
    EXPECT_FALSE(client.connection);
  }
}

}  // namespace
}  // namespace streaming
