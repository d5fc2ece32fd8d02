// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 that servers break, and unusual but valid forms of it: byte by byte, through the whole daemon.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/raw_server.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const std::string kHi = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const std::string kEnd = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

class RawBytesTest : public testing::Test {
 protected:
  // The answer's events if the server writes `bytes` and then ends the connection.
  std::string answer_to(
      const std::string& bytes, const std::function<void(int connection)>& then = [](int) {}) {
    const RawServer server([&](int connection, const std::string&) {
      RawServer::write(connection, bytes);
      then(connection);
    });
    return ask(server.port());
  }
  static std::string ask(int port) {
    const std::string base = "http://127.0.0.1:" + std::to_string(port) + "/v1";
    DaemonProcess daemon({"--backend", "openai", "--openai-base", base, "--workers", "1", "--first-byte-timeout-ms",
                          "2000", "--idle-timeout-ms", "2000"},
                         [] { setenv("OPENAI_API_KEY", "sk-of-the-test", 1); });
    EXPECT_TRUE(daemon.ready()) << daemon.log();
    const std::string answer = read_to_end(daemon.hand_client_over(R"({"prompt":"a private matter"})").get());
    EXPECT_EQ(daemon.stop(), 0);
    for (const char* secret : {"sk-", "private", "internal"}) {
      EXPECT_THAT(daemon.log() + daemon.output() + answer, Not(HasSubstr(secret)));
    }
    const std::size_t first = answer.find("data: ");
    return first == std::string::npos ? answer : answer.substr(first);
  }
};

testing::Matcher<std::string> is_error(const std::string& message) {
  return AllOf(HasSubstr("data: {\"error\":\"" + message + "\",\"code\":\""), EndsWith("}\n\n"),
               Not(HasSubstr("[DONE]")));
}
const auto kWholeAnswer = testing::Eq("data: {\"content\":\"Hi\"}\n\ndata: [DONE]\n\n");

TEST_F(RawBytesTest, AConnectionThatIsResetBeforeAndInTheHead) {
  const auto reset = [](int connection) { RawServer::reset(connection); };
  EXPECT_THAT(answer_to("", reset), is_error("The model cannot be reached."));
  EXPECT_THAT(answer_to("HTTP/1.1 200 OK\r\nContent-Ty", reset), is_error("The model cannot be reached."));
}

TEST_F(RawBytesTest, AConnectionThatIsResetInTheBody) {
  std::atomic<bool> heard{false};
  const RawServer server([&](int connection, const std::string&) {
    RawServer::write(connection, kHead + "\r\n" + kHi);
    EXPECT_TRUE(eventually([&] { return heard.load(); }));
    RawServer::reset(connection);
  });
  DaemonProcess daemon(
      {"--backend", "openai", "--openai-base", "http://127.0.0.1:" + std::to_string(server.port()) + "/v1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over("{}");
  std::string answer = read_until(browser.get(), "Hi");
  heard = true;
  answer += read_to_end(browser.get());
  EXPECT_THAT(answer, HasSubstr("data: {\"content\":\"Hi\"}\n\n"));
  EXPECT_THAT(answer, is_error("The answer broke off."));
  EXPECT_TRUE(daemon.logs("upstream_truncated"));
}

TEST_F(RawBytesTest, AConnectionThatEndsTooEarly) {
  EXPECT_THAT(answer_to(""), is_error("The model cannot be reached."));
  EXPECT_THAT(answer_to("HTTP/1.1 200 OK\r\nContent-Ty"), is_error("The model cannot be reached."));
  EXPECT_THAT(answer_to(kHead + "\r\n"), is_error("The answer broke off."));
  EXPECT_THAT(answer_to(kHead + "\r\n" + kHi), is_error("The answer broke off."));
  EXPECT_THAT(answer_to(kHead + "Content-Length: 9999\r\n\r\n" + kHi), is_error("The answer broke off."));
  EXPECT_THAT(answer_to(kHead + "Transfer-Encoding: chunked\r\n\r\n9999\r\n" + kHi), is_error("The answer broke off."));
}

TEST_F(RawBytesTest, WhatIsNoHttp) {
  for (const char* bytes : {"SSH-2.0-OpenSSH_9.9 http://internal.example\r\n", "\r\n\r\n", "<html>sk-internal</html>",
                            "HTTP/1.1 abc\r\n\r\n", "\x16\x03\x01\x02\x00\x01"}) {
    EXPECT_THAT(answer_to(bytes), HasSubstr("data: {\"error\":\"The model")) << bytes;
  }
  EXPECT_THAT(answer_to(kHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + kHi),
              HasSubstr("data: {\"error\":\"The "));
}

TEST_F(RawBytesTest, AHeadWithoutEnd) {
  std::string line = "X-Filler: " + std::string(4000, 'h') + "\r\n", head = kHead;
  while (head.size() < std::size_t{8} << 20) head += line;
  EXPECT_THAT(answer_to(head), is_error("The model cannot be reached."));
}

TEST_F(RawBytesTest, AHeadWhoseLinesEndWithoutCr) {
  EXPECT_THAT(answer_to("HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\n" + kHi + kEnd),
              is_error("The model cannot be reached."));
}

TEST_F(RawBytesTest, WholeAnswersInEveryFraming) {
  EXPECT_THAT(answer_to(kHead + "\r\n" + kHi + kEnd), kWholeAnswer) << "up to the end of the connection";
  EXPECT_THAT(answer_to("HTTP/1.0 200 OK\r\n\r\n" + kHi + kEnd), kWholeAnswer);
  EXPECT_THAT(answer_to("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + kHead + "\r\n" +
                        kHi + kEnd),
              kWholeAnswer);
  const std::string body = kHi + kEnd;
  EXPECT_THAT(answer_to(kHead + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body), kWholeAnswer);
  EXPECT_THAT(answer_to(kHead + "\r\n" + kHi + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"),
              kWholeAnswer)
      << "without [DONE], as some vendors have it";
}

TEST_F(RawBytesTest, TextThatIsNoUnicodeIsLoggedWithItsStream) {
  const RawServer server([](int connection, const std::string&) {
    RawServer::write(connection,
                     kHead + "\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"H\xFFi\"}}]}\n\n" + kEnd);
  });
  DaemonProcess daemon(
      {"--backend", "openai", "--openai-base", "http://127.0.0.1:" + std::to_string(server.port()) + "/v1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(read_to_end(daemon.hand_client_over("{}").get()), HasSubstr("H\uFFFDi"));
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.log(),
              testing::ContainsRegex("stream [0-9]+\\.[0-9]+\\.[0-9]+: the API sent text that is no Unicode"));
}

TEST_F(RawBytesTest, AWholeAnswerByteByByte) {
  std::string bytes = kHead + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& part : {kHi, kEnd}) {
    char size[16];
    std::snprintf(size, sizeof size, "%zX;ext=1\r\n", part.size());
    bytes += size + part + "\r\n";
  }
  bytes += "0\r\nX-Trailer: 1\r\n\r\n";
  EXPECT_THAT(answer_to("",
                        [&](int connection) {
                          for (const char& byte : bytes) RawServer::write(connection, {&byte, 1});
                        }),
              kWholeAnswer);
}

}  // namespace
}  // namespace streaming
