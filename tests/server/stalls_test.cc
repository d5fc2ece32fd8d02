// SPDX-License-Identifier: Apache-2.0
// A daemon that gets no CPU for longer than its peers may be silent: the bytes that they have sent meanwhile count.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <semaphore>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/mock_answer.h"
#include "support/raw_server.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr int kLimitMs = 400;

// Stops the daemon, runs `meanwhile`, and lets at least twice the limit pass.
void stop_for_longer_than_the_limit(const DaemonProcess& daemon, const std::function<void()>& meanwhile) {
  daemon.signal(SIGSTOP);
  int status = 0;
  ASSERT_EQ(waitpid(daemon.pid(), &status, WUNTRACED), daemon.pid());
  meanwhile();
  ::poll(nullptr, 0, 2 * kLimitMs);
  daemon.signal(SIGCONT);
}

TEST(DaemonThatStoodStill, LosesNobodyWhoConnectedOrHandedOverMeanwhile) {
  constexpr int kClients = 100;
  DaemonProcess daemon({"--delay", "0", "--workers", "2", "--handoff-timeout-ms", std::to_string(kLimitMs)});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> connections, browsers;
  for (int i = 0; i < kClients; ++i) connections.push_back(connect_to(daemon.socket()));
  stop_for_longer_than_the_limit(daemon, [&] {
    for (const UniqueFd& connection : connections) {
      auto [client, browser] = socket_pair();
      const int passed[] = {client.get()};
      ASSERT_TRUE(send_message(connection.get(), "{}", passed));
      browsers.push_back(std::move(browser));
    }
    connections.clear();
    for (int i = 0; i < kClients; ++i) browsers.push_back(daemon.hand_client_over("{}"));
  });
  int whole = 0;
  for (const UniqueFd& browser : browsers) whole += is_whole(read_to_end(browser.get()));
  EXPECT_EQ(whole, 2 * kClients) << daemon.log();
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(DaemonThatStoodStill, TakesWhatTheUpstreamHasSaidMeanwhileForTheFirstEventAndTheNext) {
  std::binary_semaphore asked{0}, first{0}, second{0}, said{0};
  const RawServer server([&](int connection, const std::string&) {
    asked.release();
    first.acquire();
    RawServer::write(connection, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                                 "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
    said.release();
    second.acquire();
    RawServer::write(connection, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    said.release();
  });
  DaemonProcess daemon({"--backend", "openai", "--openai-base", "http://127.0.0.1:" + std::to_string(server.port()),
                        "--workers", "1", "--first-byte-timeout-ms", std::to_string(kLimitMs), "--idle-timeout-ms",
                        std::to_string(kLimitMs)},
                       [] { setenv("OPENAI_API_KEY", "sk-of-the-test", 1); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over(R"({"prompt":"hi"})");
  asked.acquire();
  stop_for_longer_than_the_limit(daemon, [&] {
    first.release();
    said.acquire();
  });
  std::string answer;
  while (answer.find("Hi") == std::string::npos) {
    const std::string more = read_some(browser.get());
    ASSERT_FALSE(more.empty()) << answer;
    answer += more;
  }
  stop_for_longer_than_the_limit(daemon, [&] {
    second.release();
    said.acquire();
  });
  answer += read_to_end(browser.get());
  EXPECT_THAT(answer, Not(HasSubstr("error")));
  EXPECT_THAT(answer, EndsWith("data: {\"content\":\"Hi\"}\n\ndata: [DONE]\n\n"));
}

}  // namespace
}  // namespace streaming
