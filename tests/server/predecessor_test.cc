// SPDX-License-Identifier: Apache-2.0
// The daemon as the successor of another one, which the test plays.

#include "server/predecessor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "answers/answer_marks.h"
#include "handoff/handoff_message.h"
#include "support/daemon_process.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kHeadOfKept = "HTTP/1.1 200 OK\r\nX-Kept-Format: content\r\nX-Kept-Backend: mock\r\n\r\n";

UniqueFd listener_at(const std::string& path) {
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener.get(), 64), 0);
  return listener;
}

class PredecessorTest : public testing::Test {
 protected:
  void start() {
    successor.emplace(std::vector<std::string>{"--delay", "1", "--workers", "2"}, [this] {
      const UniqueFd listening(fcntl(listener.get(), F_DUPFD, 10)), theirs(fcntl(ends.second.get(), F_DUPFD, 10));
      dup2(listening.get(), 3);
      dup2(theirs.get(), 4);
      setenv("LISTEN_FDS", "2", 1);
      setenv("LISTEN_FDNAMES", "socket:upgrade", 1);
      setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    });
    ends.second.reset();
  }
  // The next message that the successor sends.
  std::string next(UniqueFd* descriptor = nullptr) const {
    char bytes[4096];
    alignas(cmsghdr) char control[kControlBytes];
    iovec data{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(ends.first.get(), &message, MSG_CMSG_CLOEXEC);
    Result<HandedOver> handed_over = take_descriptors(message);
    if (handed_over && descriptor != nullptr) *descriptor = std::move(handed_over->client.socket);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  UniqueFd hand_over(std::string_view payload) const {
    auto [client, browser] = socket_pair();
    EXPECT_TRUE(send_message(connect_to(path()).get(), payload, std::vector<int>{client.get()}));
    return std::move(browser);
  }
  static void say(const UniqueFd& socket, std::string_view text) {
    EXPECT_EQ(write(socket.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string path() const { return directory.file("socket"); }

  TemporaryDirectory directory;
  UniqueFd listener = listener_at(path());
  std::pair<UniqueFd, UniqueFd> ends = socket_pair(SOCK_SEQPACKET);
  std::optional<DaemonProcess> successor;
};

// A client that was accepted before could not be asked for, and its answer would begin a second time.
TEST_F(PredecessorTest, IsToldThatTheSuccessorServesBeforeThatAcceptsAnything) {
  std::size_t sent = 0;
  while (send(ends.second.get(), "full", 4, MSG_DONTWAIT) == 4) ++sent;  // so that the report has to wait
  const UniqueFd browser = hand_over(R"({"answer_id":"a"})");
  start();
  ASSERT_TRUE(eventually([&] {
    std::ifstream file("/proc/" + std::to_string(successor->pid()) + "/syscall");
    long call = -1;
    return file >> call && call == SYS_write;
  })) << successor->log();
  for (; sent > 0; --sent) EXPECT_EQ(next(), "full");
  EXPECT_EQ(next().size(), 1u) << "the report";
  UniqueFd question;
  EXPECT_THAT(next(&question), HasSubstr("\"answer_id\":\"a\""));
  question.reset();
  EXPECT_THAT(read_to_end(browser.get()), EndsWith("id: 19\ndata: [DONE]\n\n"));
}

TEST_F(PredecessorTest, HasSentWhatItKeepsBeforeAClientGoesOnBehindIt) {
  start();
  EXPECT_EQ(next().size(), 1u);
  const UniqueFd first = hand_over(R"({"answer_id":"a"})");
  UniqueFd question;
  next(&question);
  say(question, std::string(kHeadOfKept) + "id: 1\ndata: {\"content\":\"one\"}\n\n");
  ASSERT_TRUE(successor->logs("answer a comes from the daemon that this one replaces"));
  std::vector<UniqueFd> later;
  for (int i = 0; i < 4; ++i) later.push_back(hand_over(R"({"answer_id":"a","after":2})"));
  const UniqueFd other = hand_over(R"({"answer_id":"b"})");
  UniqueFd other_question;
  EXPECT_THAT(next(&other_question), HasSubstr("\"answer_id\":\"b\"")) << "the ones before it ask nothing";
  say(question, "id: 2\ndata: {\"content\":\"two\"}\n\nid: 3\ndata: {\"content\":\"three\"}\n\n" + std::string(kLiveMark));
  for (const UniqueFd& browser : later) {
    const std::string answer = read_until(browser.get(), "three");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer, Not(HasSubstr("two")));
  }
  EXPECT_THAT(read_until(first.get(), "three"), HasSubstr("id: 1\n"));
}

}  // namespace
}  // namespace streaming
