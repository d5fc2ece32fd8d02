// SPDX-License-Identifier: Apache-2.0
// The daemon with clients over HTTP/2: nghttp2's, on TCP or over OpenSSL's TLS, which have opened their connection and
// sent their request before the hand-off, as in Apache.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/daemon_process.h"
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
  browser.http2.cancel();
  while (browser.http2.goaways().empty() && browser.turn()) {
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

std::string frame(int type, int flags, int stream, std::string_view payload) {
  const auto head = handoff_protocol::frame_head_bytes({.length = static_cast<std::uint32_t>(payload.size()),
                                                        .type = static_cast<handoff_protocol::FrameType>(type),
                                                        .flags = static_cast<std::uint8_t>(flags),
                                                        .stream = static_cast<std::uint32_t>(stream)});
  return std::string(head.begin(), head.end()) + std::string(payload);
}

std::string repeated(const std::string& bytes, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += bytes;
  return all;
}

// What such a client sends, and the code that it gets.
struct Malice {
  std::string bytes;
  std::string code;
};

const std::vector<Malice>& malices() {
  constexpr int kFlood = 11'000;
  static const std::vector<Malice> all{
      {std::string(300, 'g'), "FRAME_SIZE_ERROR"},
      {frame(4, 0, 1, ""), "PROTOCOL_ERROR"},
      {frame(8, 0, 0, std::string("\x7f\xff\xff\xff", 4)), "FLOW_CONTROL_ERROR"},
      {frame(0, 0, 1, "more of the request"), "STREAM_CLOSED"},
      {repeated(frame(6, 0, 0, "12345678"), kFlood), "ENHANCE_YOUR_CALM"},
      {repeated(frame(4, 0, 0, ""), kFlood), "ENHANCE_YOUR_CALM"},
      {repeated(frame(8, 0, 0, std::string("\0\0\0\1", 4)), kFlood), "ENHANCE_YOUR_CALM"},
      {frame(1, 0, 3, "\x82") + repeated(frame(9, 0, 3, ""), kFlood), "ENHANCE_YOUR_CALM"},
  };
  return all;
}

TEST(Http2ClientsThatAreHostile, EndTheirOwnStreamsAlone) {
  constexpr std::size_t kHostile = 80;
  DaemonProcess daemon({"--workers", "1", "--delay", "30"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<std::unique_ptr<Http2Browser>> honest;
  std::vector<UniqueFd> hostile;
  for (std::size_t i = 0; i < kHostile; ++i) {
    if (i % 20 == 0) {
      honest.push_back(std::make_unique<Http2Browser>(i % 40 == 0));
      honest.back()->hand_over(daemon, "{}");
    }
    const Http2Peer peer;
    auto [client, browser] = tcp_pair();
    daemon.hand_over(connection_part({.http2 = peer.server_state()}) + R"({"backend":"hold"})", {client.get()});
    // The daemon may have ended it before it has read all of that.
    const std::string& bytes = malices()[i % malices().size()].bytes;
    send(browser.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    hostile.push_back(std::move(browser));
  }
  for (const auto& browser : honest) {
    browser->read_answer();
    EXPECT_TRUE(browser->http2.is_whole()) << browser->http2.error();
    EXPECT_THAT(browser->http2.body(), testing::EndsWith("data: [DONE]\n\n"));
  }
  for (const UniqueFd& browser : hostile) read_to_end(browser.get());
  EXPECT_EQ(daemon.stop(), 0);
  for (const Malice& malice : malices()) {
    const std::size_t as_many = std::count_if(malices().begin(), malices().end(),
                                              [&](const Malice& other) { return other.code == malice.code; });
    EXPECT_EQ(occurrences(daemon.log(), "cause=client_malformed http2_error=" + malice.code),
              as_many * kHostile / malices().size());
  }
}

}  // namespace
}  // namespace streaming
