// SPDX-License-Identifier: Apache-2.0
// A server sends a hundred megabytes as fast as it can, and the client reads a kilobyte at a time. The daemon must keep
// its limits of memory, and the client must get everything.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <fstream>
#include <string>
#include <vector>

#include "server/limits.h"
#include "support/http_get.h"
#include "support/scripted_apis.h"
#include "support/tcp_sockets.h"

namespace streaming {
namespace {

class FloodTest : public testing::TestWithParam<HttpEngine> {
 protected:
  static constexpr int kEvents = 100'000;  // of a kilobyte each

  // A figure of the daemon in KB: VmRSS, its present memory; VmHWM, its peak.
  std::size_t memory(const std::string& which) const {
    std::ifstream status("/proc/" + std::to_string(daemon->pid()) + "/status");
    for (std::string name; status >> name;) {
      std::size_t value = 0;
      if (name == which + ":" && status >> value) return value;
    }
    return 0;
  }
  int pauses() const {
    const std::string metrics = http_get(daemon->monitor_port(), "/metrics");
    const std::string name = "\ndaemon_backpressure_pauses_total ";
    const std::size_t at = metrics.find(name);
    return at == std::string::npos ? 0 : std::atoi(metrics.c_str() + at + name.size());
  }

  // After the first stream and some answers of the monitor, whose threads each keep about 180 KB.
  std::size_t memory_at_rest() const {
    EXPECT_TRUE(read_to_end(daemon->hand_client_over("{}").get()).ends_with("data: [DONE]\n\n"));
    for (int i = 0; i < 4 * kStatusThreads; ++i) EXPECT_EQ(pauses(), 0);
    return memory("VmRSS");
  }

  static std::string text_of(const std::string& text) {
    return R"(data: {"choices":[{"delta":{"content":")" + text + "\"}}]}\n\n";
  }

  const std::string piece = std::string(1000, 'x');
  TestCertificate certificate;
  std::unique_ptr<ScriptedServer> server = ScriptedServer::start(
      GetParam(), certificate, [this](ScriptedServer::Answer& answer, const std::string& request) {
        answer.head(200, {{"content-type", "text/event-stream"}});
        std::string hundred;
        for (int i = 0; i < 100; ++i) hundred += text_of(piece);
        const int hundreds = request.find("flood") != std::string::npos  ? kEvents / 100
                             : request.find("much") != std::string::npos ? 5
                                                                         : 0;
        for (int i = 0; i < hundreds; ++i) answer.send(hundred);
        answer.send("data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
        answer.end();
      });
  std::unique_ptr<DaemonProcess> daemon =
      daemon_that_asks(*server, certificate, kChatApi,
                       {"--metrics-addr", "127.0.0.1:0", "--workers", "1", "--write-timeout-ms", "60000"});
};

// Of an answer of a hundred megabytes.
constexpr std::size_t kMostGrowthKb = 2048;

TEST_P(FloodTest, LeavesTheMemoryFlat) {
  const std::size_t before = memory_at_rest();
  const UniqueFd browser = daemon->hand_client_over(R"({"prompt":"flood"})");
  ASSERT_TRUE(eventually([this] { return pauses() > 0; }));
  char kilobyte[1024];
  std::size_t received = 0;
  for (int i = 0; i < 2000; ++i) {
    const ssize_t got = recv(browser.get(), kilobyte, sizeof kilobyte, 0);
    ASSERT_GT(got, 0);
    received += static_cast<std::size_t>(got);
  }
  EXPECT_LE(memory("VmHWM"), before + kMostGrowthKb) << "after two megabytes, a kilobyte at a time";
  const std::string rest = read_to_end(browser.get());
  EXPECT_TRUE(rest.ends_with("data: [DONE]\n\n"));
  EXPECT_GE(received + rest.size(), std::size_t{kEvents} * (piece.size() + 20));
  EXPECT_EQ(rest.find("error"), std::string::npos);
  EXPECT_LE(memory("VmHWM"), before + kMostGrowthKb) << "after all of it";
}

// Otherwise a client that reads a kilobyte a second would seem to read nothing, because the kernel would have room
// again only after minutes.
TEST_P(FloodTest, LeavesLittleInTheKernelForAClientThatDoesNotRead) {
  auto [client, browser] = tcp_pair();
  daemon->hand_over(R"({"prompt":"flood"})", {client.get()});
  ASSERT_TRUE(eventually([this] { return pauses() > 0; }));
  int unsent = 0;
  ASSERT_EQ(ioctl(client.get(), SIOCOUTQNSD, &unsent), 0);
  EXPECT_LE(unsent, 128 * 1024);
}

// Few enough that an allocator would keep their memory for later ones.
TEST_P(FloodTest, GivesMemoryBackAfterAPeakOfFewStreams) {
  constexpr int kClients = 150;
  const std::size_t before = memory_at_rest();
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < kClients; ++i) browsers.push_back(daemon->hand_client_over(R"({"prompt":"much"})"));
  ASSERT_TRUE(eventually([&] { return memory("VmRSS") > before + 2 * kMostGrowthKb; })) << "they hold much";
  browsers.clear();
  EXPECT_TRUE(eventually([&] { return memory("VmRSS") <= before + kMostGrowthKb; })) << memory("VmRSS") - before;
}

INSTANTIATE_TEST_SUITE_P(Over, FloodTest, testing::Values(HttpEngine::kHttp1, HttpEngine::kHttp2OverTls), engine_name);

}  // namespace
}  // namespace streaming
