#include "mod_socket_handoff/daemon_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace socket_handoff {
namespace {

using Kind = DaemonAnswer::Kind;

TEST(DaemonAnswer, AcceptanceIsOneByte) {
  EXPECT_EQ(parse_daemon_answer("A").kind, Kind::kAccepted);
  EXPECT_TRUE(parse_daemon_answer("A").is_whole);
  EXPECT_EQ(parse_daemon_answer("").kind, Kind::kNothing);
}

TEST(DaemonAnswer, RefusalSaysStatusAndWhenToComeBack) {
  const DaemonAnswer answer = parse_daemon_answer(R"(R{"status":429,"retry_after":7})");
  EXPECT_EQ(answer.kind, Kind::kRefused);
  EXPECT_TRUE(answer.is_whole);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after_seconds, 7);
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
