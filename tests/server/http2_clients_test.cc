// SPDX-License-Identifier: Apache-2.0
// The daemon with clients over HTTP/2: nghttp2's, on TCP or over OpenSSL's TLS, which have opened their connection and
// sent their request before the hand-off, as in Apache.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/hostile_frames.h"
#include "support/http2_browser.h"
#include "support/mock_answer.h"

namespace streaming {
namespace {

using testing::HasSubstr;

class Http2Clients : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon.ready()) << daemon.log(); }

  DaemonProcess daemon{{"--delay", "1", "--workers", "2"}};
};

INSTANTIATE_TEST_SUITE_P(, Http2Clients, testing::Bool(),
                         [](const auto& over_tls) { return over_tls.param ? "OverTls" : "OverTcp"; });

TEST_P(Http2Clients, GetAWholeAnswerAndACleanEnd) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"prompt":"hi","apache":{"protocol":"HTTP/2.0"}})");
  browser.read_to_end();
  EXPECT_EQ(browser.http2.error(), "");
  EXPECT_EQ(browser.http2.header(":status"), "200");
  EXPECT_THAT(browser.http2.body(), HasSubstr("You said: hi"));
  EXPECT_THAT(browser.http2.body(), testing::EndsWith("data: [DONE]\n\n"));
  EXPECT_TRUE(browser.has_clean_end());
  EXPECT_EQ(browser.http2.goaways().size(), 1u);
  browser.close();
  EXPECT_TRUE(daemon.logs(GetParam() ? "transport=h2 status=200 cause=completed"
                                     : "transport=h2c status=200 cause=completed"))
      << daemon.log();
}

TEST_P(Http2Clients, GetRefusalsOverHttp2) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"backend":"nonsense"})");
  browser.read_answer();
  EXPECT_EQ(browser.http2.header(":status"), "400");
  EXPECT_TRUE(browser.http2.is_whole()) << browser.http2.error();
}

TEST_P(Http2Clients, AreNotGivenToAProgram) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"backend":"exec"})");
  browser.read_answer();
  EXPECT_EQ(browser.http2.header(":status"), "400");
  EXPECT_THAT(browser.http2.body(), HasSubstr("HTTP/2"));
}

TEST_P(Http2Clients, AreGoneWithTheirReset) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"backend":"hold"})");
  browser.turn();
  browser.http2.ping();  // in the same packet, so that its acknowledgement is that of both
  browser.http2.cancel();
  while (browser.http2.acknowledged_pings() == 0 && browser.turn()) {
  }
  browser.close();
  EXPECT_TRUE(daemon.logs("cause=client_gone http2_error=CANCEL")) << daemon.log();
}

TEST_P(Http2Clients, GetTheirPingsAcknowledgedAndFurtherStreamsRefused) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"backend":"hold"})");
  browser.turn();
  browser.http2.ping();
  const std::int32_t other = browser.http2.request();
  while (!browser.http2.closed(other) && browser.turn()) {
  }
  EXPECT_EQ(browser.http2.closed(other), NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(browser.http2.acknowledged_pings(), 1);
  EXPECT_EQ(browser.http2.goaways().size(), 1u);
}

TEST_P(Http2Clients, WithSmallWindowsReadAllOfAnAnswer) {
  Http2Browser browser(GetParam(), {.initial_window = 100});
  browser.hand_over(daemon, R"({"prompt":"small"})");
  browser.read_answer();
  EXPECT_TRUE(browser.http2.is_whole()) << browser.http2.error();
  EXPECT_THAT(browser.http2.body(), testing::EndsWith("data: [DONE]\n\n"));
}

// --- Hostile clients ------------------------------------------------------------------------------------------------

std::string repeated(const std::string& bytes) {
  std::string all;
  for (int i = 0; i < 11'000; ++i) all += bytes;
  return all;
}

std::vector<hostile::Mistake> malices() {
  using namespace hostile;
  constexpr std::string_view kCalm = "ENHANCE_YOUR_CALM";
  std::vector<Mistake> all = mistakes();
  all.push_back({"PING without end", repeated(frame(FrameType::kPing, 0, "12345678")), kCalm});
  all.push_back({"SETTINGS without end", repeated(frame(FrameType::kSettings, 0)), kCalm});
  all.push_back({"WINDOW_UPDATE without end", repeated(update(0, 1)), kCalm});
  all.push_back({"CONTINUATION without end",
                 headers(kRefused, 0) + repeated(frame(FrameType::kContinuation, kRefused)), kCalm});
  return all;
}

TEST(Http2ClientsThatAreHostile, EndTheirOwnStreamsAlone) {
  DaemonProcess daemon({"--workers", "1", "--delay", "30"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<std::unique_ptr<Http2Browser>> honest;
  std::vector<UniqueFd> hostile;
  std::map<std::string_view, std::size_t> codes;
  for (const hostile::Mistake& malice : malices()) {
    if (hostile.size() % 10 == 0) {
      honest.push_back(std::make_unique<Http2Browser>(hostile.size() % 20 == 0));
      honest.back()->hand_over(daemon, "{}");
    }
    auto [client, browser] = tcp_pair();
    daemon.hand_over(connection_part({.http2 = hostile::kState}) + R"({"backend":"hold"})", {client.get()});
    // The daemon may have ended it before it has read all of that.
    send(browser.get(), malice.bytes.data(), malice.bytes.size(), MSG_NOSIGNAL);
    hostile.push_back(std::move(browser));
    ++codes[malice.code];
  }
  for (const auto& browser : honest) {
    browser->read_answer();
    EXPECT_TRUE(browser->http2.is_whole()) << browser->http2.error();
    EXPECT_THAT(browser->http2.body(), testing::EndsWith("data: [DONE]\n\n"));
  }
  for (const UniqueFd& browser : hostile) read_to_end(browser.get());
  EXPECT_EQ(daemon.stop(), 0);
  for (const auto& [code, count] : codes) {
    EXPECT_EQ(occurrences(daemon.log(), "cause=client_malformed http2_error=" + std::string(code)), count) << code;
  }
}

}  // namespace
}  // namespace streaming
