// SPDX-License-Identifier: Apache-2.0
// Modules and load generators from other authors hand over clients to this daemon. The tests imitate them by their
// published descriptions: the type of socket to which they connect, and what they do with the connection after their
// message.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/payload_memfd.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::StartsWith;

const auto kIsWholeAnswer = AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("data: [DONE]\n\n"));

// A hand-off as its peer sees it: the connection, and the browser's end of the client.
struct HandedOff {
  UniqueFd connection;
  UniqueFd browser;
};

class OtherPeers : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon.ready()) << daemon.log(); }

  int type() const { return std::string(GetParam()) == "stream" ? SOCK_STREAM : SOCK_SEQPACKET; }
  HandedOff hand_over(std::string_view payload, int payload_file = -1) const {
    auto [client, browser] = socket_pair();
    UniqueFd connection = connect_to(daemon.socket(), type());
    EXPECT_TRUE(connection) << std::strerror(errno);
    std::vector<int> descriptors{client.get()};
    if (payload_file >= 0) descriptors.push_back(payload_file);
    EXPECT_TRUE(send_message(connection.get(), payload, descriptors)) << std::strerror(errno);
    return {std::move(connection), std::move(browser)};
  }

  DaemonProcess daemon{{"--delay", "1", "--socket-type", GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(EachType, OtherPeers, testing::Values("seqpacket", "stream"),
                         [](const auto& type) { return std::string(type.param); });

// The earlier module (SOCK_STREAM), and newer ones without SocketHandoffAcknowledge.
TEST_P(OtherPeers, MaySendAndClose) {
  HandedOff handed_off = hand_over(R"({"prompt":"benchmark test","user_id":1})");
  handed_off.connection.reset();
  EXPECT_THAT(read_to_end(handed_off.browser.get()), kIsWholeAnswer);
}

// The load generators, whose client is a socket pair.
TEST_P(OtherPeers, MayKeepTheConnectionUntilTheAnswerIsWhole) {
  const HandedOff handed_off = hand_over(R"({"prompt":"benchmark test","user_id":1})");
  EXPECT_THAT(read_to_end(handed_off.browser.get()), kIsWholeAnswer);
  EXPECT_EQ(read_to_end(handed_off.connection.get()), "A");
}

TEST_P(OtherPeers, MayShutDownTheirSendingSideAndReadTheAcknowledgement) {
  const HandedOff accepted = hand_over("{}");
  shutdown(accepted.connection.get(), SHUT_WR);
  EXPECT_EQ(read_to_end(accepted.connection.get()), "A");
  const HandedOff refused = hand_over("[]");
  shutdown(refused.connection.get(), SHUT_WR);
  EXPECT_EQ(read_some(refused.connection.get()), R"(R{"status":400,"connection":2})");
}

TEST_P(OtherPeers, MaySendNoPayload) {
  EXPECT_THAT(read_to_end(hand_over(std::string_view("\0", 1)).browser.get()), kIsWholeAnswer);
}

// The kernel gives a large message to a stream in parts.
TEST_P(OtherPeers, MaySendAPayloadThatFillsTheMessage) {
  const std::string prompt(100 * 1024, 'x');
  EXPECT_THAT(read_to_end(hand_over("{\"prompt\":\"" + prompt + "\"}").browser.get()), kIsWholeAnswer);
}

TEST_P(OtherPeers, MaySendTheirPayloadInAFile) {
  const UniqueFd file = payload_memfd("{\"prompt\":\"" + std::string(300 * 1024, 'x') + "\"}");
  EXPECT_THAT(read_to_end(hand_over(std::string_view("\0", 1), file.get()).browser.get()), kIsWholeAnswer);
}

TEST_P(OtherPeers, GetTheirRefusedClientsAnsweredWhenTheyDoNotWait) {
  HandedOff handed_off = hand_over("[]");
  handed_off.connection.reset();
  EXPECT_THAT(read_to_end(handed_off.browser.get()), StartsWith("HTTP/1.1 400 "));
}

class StreamPeers : public OtherPeers {
 protected:
  // Sends `first` with the client, and the rest when the daemon has read the first part.
  HandedOff hand_over_in_parts(std::string_view first, std::string_view rest) const {
    HandedOff handed_off = hand_over(first);
    EXPECT_TRUE(eventually([&] { return is_read(handed_off.connection.get()); }));
    EXPECT_TRUE(send_message(handed_off.connection.get(), rest, {}));
    return handed_off;
  }
  static bool is_read(int connection) {
    int unread = 0;
    return ioctl(connection, SIOCOUTQ, &unread) == 0 && unread == 0;
  }
};

INSTANTIATE_TEST_SUITE_P(, StreamPeers, testing::Values("stream"));

TEST_P(StreamPeers, MaySendTheirMessageInParts) {
  EXPECT_THAT(read_to_end(hand_over_in_parts("{\"prompt\":", "\"hi\"}").browser.get()), kIsWholeAnswer);
}

TEST_P(StreamPeers, AreRefusedWithATooLargeMessageThatTheyHaveNotSentWhole) {
  const HandedOff handed_off = hand_over_in_parts("{\"prompt\":\"", std::string(140 * 1024, 'x'));
  EXPECT_EQ(read_some(handed_off.connection.get()), R"(R{"status":413,"connection":2})");
}

TEST_P(StreamPeers, GetTheClientOfAMessageWithoutItsEndAnswered) {
  HandedOff handed_off = hand_over("{\"prompt\":");
  handed_off.connection.reset();
  EXPECT_THAT(read_to_end(handed_off.browser.get()), StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace streaming
