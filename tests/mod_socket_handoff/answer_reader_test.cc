#include "mod_socket_handoff/answer_reader.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mod_socket_handoff/descriptors.h"

namespace {

// How many of the next receives see the end of the connection before what is queued, as the kernel's race has it.
int early_ends = 0;

}  // namespace

// In the C library's place.
extern "C" ssize_t recv(int socket, void* buffer, std::size_t size, int flags) {
  if (early_ends > 0) {
    --early_ends;
    return 0;
  }
  return ::syscall(SYS_recvfrom, socket, buffer, size, flags, nullptr, nullptr);
}

namespace socket_handoff {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience(20'000);  // an upper bound that a passing test never reaches

class AnswerReaderTest : public testing::TestWithParam<int> {
 protected:
  AnswerReaderTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, GetParam() | SOCK_CLOEXEC, 0, ends), 0);
    ours = UniqueDescriptor(ends[0]);
    daemons = UniqueDescriptor(ends[1]);
  }

  void say(std::string_view text) {
    ASSERT_EQ(::send(daemons.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  ReceivedAnswer receive() { return receive_answer(ours.get(), kPatience); }

  UniqueDescriptor ours;
  UniqueDescriptor daemons;
};

TEST_P(AnswerReaderTest, AnswerOfADaemonThatClosesAtOnceIsReadThoughTheKernelSaysTheEndFirst) {
  say("A");
  daemons = UniqueDescriptor();
  early_ends = 1;
  const ReceivedAnswer received = receive();
  EXPECT_EQ(received.end, ReceivedAnswer::End::kAnswered);
  EXPECT_EQ(received.answer.kind, DaemonAnswer::Kind::kAccepted);
}

TEST_P(AnswerReaderTest, DaemonThatHasReadTheHandoffAndClosesIsAnEnd) {
  ASSERT_EQ(::send(ours.get(), "x", 1, MSG_NOSIGNAL), 1);
  char byte;
  ASSERT_EQ(::read(daemons.get(), &byte, 1), 1);
  daemons = UniqueDescriptor();
  EXPECT_EQ(receive().end, ReceivedAnswer::End::kClosed);
}

TEST_P(AnswerReaderTest, DaemonThatClosesWithTheHandoffInItsQueueIsAReset) {
  ASSERT_EQ(::send(ours.get(), "x", 1, MSG_NOSIGNAL), 1);
  daemons = UniqueDescriptor();
  EXPECT_EQ(receive().end, ReceivedAnswer::End::kReset);
}

INSTANTIATE_TEST_SUITE_P(Sockets, AnswerReaderTest, testing::Values(SOCK_SEQPACKET, SOCK_STREAM),
                         [](const auto& type) { return type.param == SOCK_STREAM ? "Stream" : "Seqpacket"; });

}  // namespace
}  // namespace socket_handoff
