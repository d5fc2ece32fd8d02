// SPDX-License-Identifier: Apache-2.0
// The daemon with clients over HTTP/2: nghttp2's, on TCP or over OpenSSL's TLS, which have opened their connection and
// sent their request before the hand-off, as in Apache.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/daemon_process.h"
#include "support/http2_browser.h"

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
  browser.read_to_end();
  EXPECT_EQ(browser.http2.header(":status"), "400");
  EXPECT_TRUE(browser.has_clean_end());
}

TEST_P(Http2Clients, AreNotGivenToAProgram) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"backend":"exec"})");
  browser.read_to_end();
  EXPECT_EQ(browser.http2.header(":status"), "400");
  EXPECT_THAT(browser.http2.body(), HasSubstr("HTTP/2"));
}

TEST_P(Http2Clients, AreGoneWithTheirReset) {
  Http2Browser browser(GetParam());
  browser.hand_over(daemon, R"({"backend":"hold"})");
  browser.turn();
  browser.http2.cancel();
  browser.read_to_end();
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
  browser.read_to_end();
  EXPECT_TRUE(browser.has_clean_end()) << browser.http2.error();
  EXPECT_THAT(browser.http2.body(), testing::EndsWith("data: [DONE]\n\n"));
}

}  // namespace
}  // namespace streaming
