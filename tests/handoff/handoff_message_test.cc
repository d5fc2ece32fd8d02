// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <filesystem>

#include "handoff/limits.h"
#include "support/tcp_sockets.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class TakeDescriptorsTest : public testing::Test {
 protected:
  // Sends `descriptors` and takes the client out of the received message. The caller closes the sent ones.
  Result<HandedOver> hand_over(const std::vector<int>& descriptors, bool with_sender = true) {
    auto [apache, daemon] = socket_pair(SOCK_SEQPACKET);
    const int on = with_sender ? 1 : 0;
    EXPECT_EQ(setsockopt(daemon.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    EXPECT_TRUE(send_message(apache.get(), "{}", descriptors));
    char payload[16];
    iovec part{payload, sizeof payload};
    alignas(cmsghdr) char control[kControlBytes];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    EXPECT_GT(recvmsg(daemon.get(), &message, MSG_CMSG_CLOEXEC), 0);
    return take_descriptors(message);
  }

  void expect_refused(const std::vector<int>& descriptors, const std::string& reason) {
    for (const bool with_sender : {true, false}) {
      const std::size_t before = open_descriptors();
      {
        const Result<HandedOver> taken = hand_over(descriptors, with_sender);
        ASSERT_FALSE(taken.ok());
        EXPECT_NE(taken.error().message.find(reason), std::string::npos) << taken.error().message;
      }
      EXPECT_EQ(open_descriptors(), before) << "a descriptor leaked";
    }
  }
};

TEST_F(TakeDescriptorsTest, TakesOneStreamSocket) {
  auto [client, browser] = socket_pair();
  Result<HandedOver> taken = hand_over({client.get()});
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(send(taken->client.socket.get(), "x", 1, 0), 1);
  EXPECT_NE(fcntl(taken->client.socket.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(TakeDescriptorsTest, TellsWhoHasSentThem) {
  auto [client, browser] = socket_pair();
  Result<HandedOver> taken = hand_over({client.get(), browser.get()});
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken->payload_file);
  ASSERT_TRUE(taken->sender);
  EXPECT_EQ(taken->sender->uid, getuid());
  EXPECT_EQ(taken->sender->pid, getpid());
  taken = hand_over({client.get()}, false);
  ASSERT_TRUE(taken.ok());
  EXPECT_FALSE(taken->sender);
}

TEST_F(TakeDescriptorsTest, RefusesAMessageWithoutADescriptor) {
  expect_refused({}, "no descriptor");
}

TEST_F(TakeDescriptorsTest, TakesASecondDescriptorForThePayload) {
  auto [client, browser] = socket_pair();
  const Result<HandedOver> taken = hand_over({client.get(), browser.get()});
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken.value().client.socket);
  EXPECT_TRUE(taken.value().payload_file);
}

TEST_F(TakeDescriptorsTest, RefusesAndClosesThreeDescriptors) {
  auto [client, browser] = socket_pair();
  expect_refused({client.get(), browser.get(), client.get()}, "more than two descriptors");
}

TEST_F(TakeDescriptorsTest, RefusesAndClosesSixtyDescriptors) {
  auto [client, browser] = socket_pair();
  expect_refused(std::vector<int>(60, client.get()), "more than two descriptors");
}

TEST_F(TakeDescriptorsTest, RefusesAPipe) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const UniqueFd reader(pipe_ends[0]), writer(pipe_ends[1]);
  expect_refused({writer.get()}, "not a socket");
}

TEST_F(TakeDescriptorsTest, RefusesAFile) {
  const UniqueFd file(open("/dev/null", O_RDWR));
  expect_refused({file.get()}, "not a socket");
}

TEST_F(TakeDescriptorsTest, RefusesAListeningSocket) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(listen(listener.get(), 1), 0);
  expect_refused({listener.get()}, "listening");
}

TEST_F(TakeDescriptorsTest, RefusesADatagramSocket) {
  const UniqueFd datagram(::socket(AF_INET, SOCK_DGRAM, 0));
  expect_refused({datagram.get()}, "not a stream socket");
}

TEST_F(TakeDescriptorsTest, TurnsLingeringOffAlsoForWhatItCloses) {
  auto [client, browser] = socket_pair();
  const linger on{1, 30};
  ASSERT_EQ(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &on, sizeof on), 0);
  expect_refused(std::vector<int>(3, client.get()), "more than two descriptors");
  linger now{};
  socklen_t length = sizeof now;
  ASSERT_EQ(getsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, &length), 0);
  EXPECT_EQ(now.l_onoff, 0);
}

TEST_F(TakeDescriptorsTest, TurnsLingeringOffSoThatAClosedClientNeverHoldsTheWorker) {
  auto [client, browser] = socket_pair();
  const linger on{1, 30};
  ASSERT_EQ(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &on, sizeof on), 0);
  Result<HandedOver> taken = hand_over({client.get()});
  ASSERT_TRUE(taken.ok());
  linger now{};
  socklen_t length = sizeof now;
  ASSERT_EQ(getsockopt(taken->client.socket.get(), SOL_SOCKET, SO_LINGER, &now, &length), 0);
  EXPECT_EQ(now.l_onoff, 0);
}

TEST(ClientLimits, LetTheKernelKeepLittleAndGiveAClientUpThatAcknowledgesNothing) {
  const auto [client, browser] = tcp_pair();
  EXPECT_TRUE(limit_unsent_and_unacknowledged(client.get(), Duration(30'000)));
  const auto option = [fd = client.get()](int name) {
    int value = 0;
    socklen_t length = sizeof value;
    EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, name, &value, &length), 0);
    return value;
  };
  EXPECT_EQ(option(TCP_USER_TIMEOUT), 30'000);
  EXPECT_EQ(option(TCP_NOTSENT_LOWAT), kClientUnsentBytes);
}

TEST(ClientLimits, TellTcpFromTheUnixSocketOfARelayedClient) {
  const auto [client, apache] = socket_pair();
  EXPECT_FALSE(limit_unsent_and_unacknowledged(client.get(), Duration(30'000)));
}

}  // namespace
}  // namespace streaming
