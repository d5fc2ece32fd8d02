// SPDX-License-Identifier: Apache-2.0
// Many requests wait for an API at the same time: their memory together is limited, and clients over the limit are
// refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "protocol/handoff_protocol.h"
#include "support/daemon_process.h"
#include "support/http_get.h"
#include "support/payload_memfd.h"
#include "support/silent_api.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kMegabyte = 1'000'000;
const std::string kInFile(1, handoff_protocol::kNoPayload);  // the message beside a payload in a memfd

class HeldBytesEndToEnd : public testing::Test {
 protected:
  std::vector<std::string> flags(const std::string& most_bytes, const std::string& settings) const {
    std::ofstream(config) << settings;
    return {"--backend", "openai", "--openai-base", api.base(), "--metrics-addr", "127.0.0.1:0", "--workers", "2",
            "--max-held-bytes", most_bytes, "--config", config};
  }

  // The metric's value; -1 if it is missing.
  double metric(const DaemonProcess& daemon, const std::string& name) const {
    const std::string metrics = http_get(daemon.monitor_port(), "/metrics");
    const std::size_t at = metrics.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atof(metrics.c_str() + at + name.size() + 2);
  }
  bool eventually_is(const DaemonProcess& daemon, const std::string& name, double value) const {
    return eventually([&] { return metric(daemon, name) == value; });
  }

  const SilentApi api;
  TemporaryDirectory directory;
  const std::string config = directory.file("settings.toml");
};

// The process's peak memory in bytes.
std::size_t peak_memory(const DaemonProcess& daemon) {
  std::ifstream status("/proc/" + std::to_string(daemon.pid()) + "/status");
  std::size_t kilobytes = 0;
  for (std::string name; status >> name;) {
    if (name == "VmHWM:" && status >> kilobytes) break;
  }
  return kilobytes * 1024;
}

TEST_F(HeldBytesEndToEnd, RefusesClientsBeyondTheBudgetAndServesAgainWhenOthersHaveLeft) {
  constexpr std::size_t kBudget = 8 * kMegabyte;
  DaemonProcess daemon(flags(std::to_string(kBudget), ""));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::size_t before = peak_memory(daemon);
  const UniqueFd payload = payload_memfd("{\"prompt\":\"" + std::string(kMegabyte, 'x') + "\"}");
  std::vector<UniqueFd> browsers;
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    auto [client, browser] = socket_pair();
    const UniqueFd connection = daemon.hand_over(kInFile, {client.get(), payload.get()});
    const std::string reply = read_some(connection.get());
    if (reply == "A") {
      browsers.push_back(std::move(browser));
    } else {
      EXPECT_EQ(reply, R"(R{"status":503,"retry_after":2,"connection":2})");
      ++refused;
    }
  }
  EXPECT_GE(browsers.size(), kBudget / kMegabyte - 2);
  EXPECT_LE(browsers.size(), kBudget / kMegabyte);
  EXPECT_GT(metric(daemon, "daemon_held_bytes"), static_cast<double>(browsers.size() * kMegabyte));
  EXPECT_LE(metric(daemon, "daemon_held_bytes"), static_cast<double>(kBudget));
  EXPECT_EQ(metric(daemon, "daemon_max_held_bytes"), static_cast<double>(kBudget));
  EXPECT_EQ(metric(daemon, "daemon_refusals_total{reason=\"over_budget\"}"), refused);
  EXPECT_EQ(metric(daemon, "daemon_connections_rejected_total"), 0) << "there are places";
  EXPECT_TRUE(daemon.logs("a client is refused with 503: requests hold ")) << daemon.log();
  // In addition to the counted bytes: the memory of a request that is being read, and libcurl's buffers.
  EXPECT_LE(peak_memory(daemon), before + 2 * kBudget) << "fifty megabytes were handed over";

  browsers.clear();
  EXPECT_TRUE(eventually_is(daemon, "daemon_held_bytes", 0));
  const auto [client, browser] = socket_pair();
  EXPECT_EQ(read_to_end(daemon.hand_over(kInFile, {client.get(), payload.get()}).get()), "A");
}

TEST_F(HeldBytesEndToEnd, EndsAStreamWhoseAttachmentIsTooMuchForTheBudget) {
  std::ofstream(directory.file("a.png")) << "\x89PNG\r\n\x1A\n" << std::string(3 * kMegabyte / 2, 'p');
  DaemonProcess daemon(flags("6500000", "[attachments]\ndata_dir = \"" + directory.file("") +
                                            "\"\nmax_total_bytes = 1600000\n[response]\nearly_head = false\n"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  constexpr std::string_view kPayload = R"({"prompt":"hi","images":["a.png"]})";
  std::vector<UniqueFd> browsers;
  for (const double megabytes : {2.0, 4.0}) {  // in base64
    browsers.push_back(daemon.hand_client_over(kPayload));
    EXPECT_TRUE(eventually([&] {
      const double held = metric(daemon, "daemon_held_bytes") / kMegabyte;
      return held > megabytes && held < megabytes + 0.1;
    })) << "what is sent alone is held";
  }
  const std::string refused = read_to_end(daemon.hand_client_over(kPayload).get());
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 2\r\n"));
  EXPECT_TRUE(daemon.logs(": over_budget: an attachment would have ")) << daemon.log();
  EXPECT_TRUE(eventually_is(daemon, "daemon_streams_ended_total{cause=\"over_budget\"}", 1));
  browsers.clear();
  EXPECT_TRUE(eventually_is(daemon, "daemon_held_bytes", 0));
}

TEST_F(HeldBytesEndToEnd, TakesAnotherBudgetWithAReload) {
  DaemonProcess daemon({"--metrics-addr", "127.0.0.1:0"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_GT(metric(daemon, "daemon_max_held_bytes"), static_cast<double>(kMegabyte)) << "a part of the memory";
  daemon.write_config("[server]\nmax_held_bytes = 7000000\n");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(eventually_is(daemon, "daemon_max_held_bytes", 7'000'000));
}

}  // namespace
}  // namespace streaming
