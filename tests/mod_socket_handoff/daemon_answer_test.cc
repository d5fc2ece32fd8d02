// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/daemon_answer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "mod_socket_handoff/descriptors.h"

namespace socket_handoff {
namespace {

using Kind = DaemonAnswer::Kind;

TEST(DaemonAnswer, AcceptanceIsOneByte) {
  EXPECT_EQ(parse_daemon_answer("A").kind, Kind::kAccepted);
  EXPECT_TRUE(parse_daemon_answer("A").is_whole);
  EXPECT_EQ(parse_daemon_answer("").kind, Kind::kNothing);
}

TEST(DaemonAnswer, AcceptanceOfAReservationMayBeForARelayOnly) {
  const DaemonAnswer answer = parse_daemon_answer(R"(A{"relay":true})");
  EXPECT_EQ(answer.kind, Kind::kAccepted);
  EXPECT_TRUE(answer.is_relay_only);
  EXPECT_FALSE(parse_daemon_answer("A").is_relay_only);
  EXPECT_EQ(parse_daemon_answer(R"(A{"relay":tru)").kind, Kind::kNotAnAnswer);
}

TEST(DaemonAnswer, RefusalSaysStatusAndWhenToComeBack) {
  const DaemonAnswer answer = parse_daemon_answer(R"(R{"status":429,"retry_after":7})");
  EXPECT_EQ(answer.kind, Kind::kRefused);
  EXPECT_TRUE(answer.is_whole);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after_seconds, 7);
}

TEST(DaemonAnswer, RefusalNamesTheConnectionPartsThatTheDaemonKnows) {
  EXPECT_EQ(parse_daemon_answer(R"(R{"status":400})").connection_version, 0);
  EXPECT_EQ(parse_daemon_answer(R"(R{"status":400,"connection":1})").connection_version, 1);
  EXPECT_EQ(parse_daemon_answer(R"(R{"connection":255,"status":400})").connection_version, 255);
  for (const char* version : {"0", "-1", "256", "1.5", "\"1\"", "null", "[1]"}) {
    const std::string text = std::string("R{\"connection\":") + version + "}";
    EXPECT_EQ(parse_daemon_answer(text).connection_version, 0) << text;
  }
}

TEST(DaemonAnswer, OrderBlanksAndOtherMembersMakeNoDifference) {
  const DaemonAnswer answer =
      parse_daemon_answer(R"(R { "x" : [{"status":500}, "}\"", null], "retry_after" : 3 , "status" : 413 } )");
  EXPECT_TRUE(answer.is_whole);
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.retry_after_seconds, 3);
}

TEST(DaemonAnswer, StatusThatIsNoErrorIs503) {
  for (const char* status :
       {"200", "399", "600", "0", "-503", "\"404\"", "4e2", "404.0", "99999999999999999999", "[]"}) {
    const DaemonAnswer answer = parse_daemon_answer(std::string("R{\"status\":") + status + "}");
    EXPECT_EQ(answer.kind, Kind::kRefused) << status;
    EXPECT_EQ(answer.status, 503) << status;
  }
}

TEST(DaemonAnswer, RetryAfterOutOfRangeIsNone) {
  for (const char* seconds : {"0", "-1", "86401", "\"7\""}) {
    const std::string text = std::string("R{\"status\":503,\"retry_after\":") + seconds + "}";
    EXPECT_EQ(parse_daemon_answer(text).retry_after_seconds, 0) << seconds;
  }
}

TEST(DaemonAnswer, RefusalThatCannotBeReadIsOneAllTheSame) {
  for (const char* text : {"R", "R{", "R{\"status\"", "R{\"status\":5", "Rubbish", "R[]", "R{}x"}) {
    const DaemonAnswer answer = parse_daemon_answer(text);
    EXPECT_EQ(answer.kind, Kind::kRefused) << text;
    EXPECT_FALSE(answer.is_whole) << text;
    EXPECT_EQ(answer.status, 503) << text;
  }
  const std::string deep = "R{\"x\":" + std::string(100'000, '[');
  EXPECT_EQ(parse_daemon_answer(deep).kind, Kind::kRefused);
}

TEST(DaemonAnswer, AnythingElseIsNone) {
  for (const char* text : {"AA", "a", "A{}", "HTTP/1.1 200 OK", " A", "{}"}) {
    EXPECT_EQ(parse_daemon_answer(text).kind, Kind::kNotAnAnswer) << text;
  }
}

}  // namespace
}  // namespace socket_handoff

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
