// SPDX-License-Identifier: Apache-2.0
// The daemon under more load than it can take, and with a kernel whose operations fail.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "server/limits.h"
#include "support/daemon_process.h"
#include "support/mock_answer.h"
#include "support/silent_api.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// Test and daemon share one CPU, so that the daemon runs late.
void stay_on_one_cpu() {
  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &all)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
}

// Of this process.
rlim_t raise_open_files_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

// Like a module that tries again while the daemon's backlog is full, and does not wait for an acknowledgement.
UniqueFd hand_over_in_haste(const DaemonProcess& daemon) {
  auto [client, browser] = socket_pair();
  UniqueFd connection;
  while (!(connection = connect_to(daemon.socket()))) std::this_thread::yield();
  const int passed[] = {client.get()};
  EXPECT_TRUE(send_message(connection.get(), "{}", passed)) << std::strerror(errno);
  return std::move(browser);
}

TEST(DaemonInDistress, LosesNobodyInABurstThatItCannotReadAtOnce) {
  constexpr int kModules = 2, kClients = 1500;
  if (raise_open_files_limit() < 2 * kModules * kClients) GTEST_SKIP() << "needs more open files";

  DaemonProcess daemon({"--delay", "1", "--workers", "1", "--benchmark"}, stay_on_one_cpu);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::atomic<int> whole{0};
  std::vector<std::thread> modules;
  for (int i = 0; i < kModules; ++i) {
    modules.emplace_back([&] {
      stay_on_one_cpu();
      std::vector<UniqueFd> browsers;
      for (int client = 0; client < kClients; ++client) browsers.push_back(hand_over_in_haste(daemon));
      for (const UniqueFd& browser : browsers) whole += is_whole(read_to_end(browser.get()));
    });
  }
  for (std::thread& module : modules) module.join();
  EXPECT_EQ(whole, kModules * kClients);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(DaemonInDistress, SpreadsABurstEvenlyOverItsWorkers) {
  constexpr int kWorkers = 3, kClients = 1500;
  DaemonProcess daemon({"--delay", "3600000", "--workers", std::to_string(kWorkers)}, stay_on_one_cpu);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  if (daemon.log().find(" for each ring") == std::string::npos) GTEST_SKIP() << "clients are in the process's table";
  if (daemon.ring_files().size() != kWorkers) GTEST_SKIP() << "the kernel does not show the rings' files";
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < kClients; ++i) browsers.push_back(hand_over_in_haste(daemon));
  std::vector<std::size_t> streams;
  EXPECT_TRUE(eventually([&] {
    streams = daemon.ring_files();
    return std::accumulate(streams.begin(), streams.end(), std::size_t{0}) == kClients;
  }));
  const auto [fewest, most] = std::minmax_element(streams.begin(), streams.end());
  EXPECT_LE(static_cast<double>(*most), 1.2 * static_cast<double>(*fewest)) << testing::PrintToString(streams);
}

TEST(DaemonInDistress, HoldsAsManyStreamsAWorkerAsFilesMayBeOpenAndRefusesTheNextWithARetryAfter) {
  constexpr rlim_t kLimit = 4500;
  constexpr std::size_t kClients = 2 * kLimit;
  if (raise_open_files_limit() < 2 * kClients) GTEST_SKIP() << "needs more open files";
  const auto lower_the_limit = [] {
    const rlimit limit{kLimit, kLimit};
    setrlimit(RLIMIT_NOFILE, &limit);
  };
  DaemonProcess more({"--workers", "2", "--max-connections", std::to_string(kClients + 1)}, lower_the_limit);
  EXPECT_NE(more.exit_status(), 0);
  if (more.log().find("9000 streams") == std::string::npos) GTEST_SKIP() << "clients are in the process's table";
  EXPECT_THAT(more.log(), HasSubstr("max_connections is 9001"));

  DaemonProcess daemon({"--delay", "3600000", "--workers", "2", "--max-connections", std::to_string(kClients)},
                       lower_the_limit);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("2 workers, room for 9000 streams under a limit of 4500 open files for each ring"));
  std::vector<UniqueFd> browsers;
  while (browsers.size() < kClients) browsers.push_back(hand_over_in_haste(daemon));
  for (const UniqueFd& browser : browsers) {
    ASSERT_THAT(read_until(browser.get(), "\r\n\r\n"), testing::StartsWith("HTTP/1.1 200 "));
  }
  const std::string refused = read_to_end(hand_over_in_haste(daemon).get());
  EXPECT_THAT(refused, testing::StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: "));
  browsers.clear();
  EXPECT_TRUE(eventually([&] { return daemon.descriptors() < kProcessFiles; }));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(DaemonInDistress, StartsOrRefusesToStartWhereTheAddressSpaceIsTight) {
  for (const rlim_t megabytes : {60, 90, 120, 160, 200, 300, 400}) {
    DaemonProcess daemon({"--workers", "8"}, [megabytes] {
      const rlimit limit{megabytes << 20, megabytes << 20};
      setrlimit(RLIMIT_AS, &limit);
    });
    const int status = daemon.ready() ? daemon.stop() : daemon.exit_status();
    EXPECT_GE(status, 0) << "killed under a limit of " << megabytes << " MB\n" << daemon.log();
    EXPECT_THAT(daemon.log(), testing::Not(testing::IsEmpty())) << megabytes;
  }
}

TEST(DaemonInDistress, CancelsTheRequestOfAClientThatLeavesBeforeTheFirstToken) {
  const SilentApi api;
  DaemonProcess daemon({"--backend", "openai", "--openai-base", api.base()}, [] { setenv("OPENAI_API_KEY", "x", 1); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  UniqueFd browser = daemon.hand_client_over(R"({"prompt":"hi"})");
  const UniqueFd request = api.accept_request();
  browser.reset();
  char byte;
  while (recv(request.get(), &byte, 1, 0) > 0) {
  }
  EXPECT_TRUE(eventually([&] { return daemon.log().find("client_gone") != std::string::npos; })) << daemon.log();
}

bool lacks_io_uring(DaemonProcess& daemon) {
  return !daemon.ready() && daemon.log().find("io_uring is not available") != std::string::npos;
}

TEST(DaemonInDistress, RefusesClientsWhenUpstreamConnectionsHaveTakenTheDescriptors) {
  constexpr rlim_t kLimit = 2300;
  const SilentApi api;
  DaemonProcess daemon({"--backend", "openai", "--openai-base", api.base(), "--workers", "8", "--engine", "io_uring"}, [] {
    setenv("OPENAI_API_KEY", "x", 1);
    const rlimit limit{kLimit, kLimit};
    setrlimit(RLIMIT_NOFILE, &limit);
  });
  if (lacks_io_uring(daemon)) GTEST_SKIP() << "io_uring is not available here";
  if (!daemon.ready() && daemon.log().find("8 workers need more") != std::string::npos) {
    GTEST_SKIP() << "the kernel keeps clients in the process's table";
  }
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> browsers;
  std::string answer;
  while (browsers.size() < kLimit && !answer.starts_with("HTTP/1.1 5")) {
    browsers.push_back(daemon.hand_client_over(R"({"prompt":"hi"})"));
    answer = read_until(browsers.back().get(), "\r\n\r\n");
  }
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: "));
  EXPECT_TRUE(
      eventually([&] { return daemon.log().find("the process has no descriptors left") != std::string::npos; }));
  browsers.resize(browsers.size() / 2);
  EXPECT_TRUE(eventually([&] { return daemon.descriptors() < kLimit / 2 + 256; }));
}

TEST(DaemonInDistress, EndsItsStreamsInOrderWhenTheKernelHasLostCompletions) {
  const TemporaryDirectory directory;
  const std::string sign = directory.file("lose");
  const std::string library = directory.file("lossy_kernel.so");  // a space would end the name in LD_PRELOAD
  std::filesystem::create_symlink(LOSSY_KERNEL, library);
  DaemonProcess daemon({"--delay", "20", "--workers", "2", "--engine", "io_uring"}, [&] {
    setenv("LD_PRELOAD", library.c_str(), 1);
    setenv("LOSE_COMPLETIONS_AT", sign.c_str(), 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
  });
  if (lacks_io_uring(daemon)) GTEST_SKIP() << "io_uring is not available here";
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::array<UniqueFd, 2> browsers{daemon.hand_client_over("{}"), daemon.hand_client_over("{}")};
  char byte;
  for (const UniqueFd& browser : browsers) ASSERT_EQ(recv(browser.get(), &byte, 1, MSG_PEEK), 1);
  std::ofstream{sign};
  for (UniqueFd& browser : browsers) {
    EXPECT_THAT(read_to_end(browser.get()),
                EndsWith("data: {\"error\":\"The server is being restarted.\",\"code\":\"shutdown\"}\n\n"));
    browser.reset();
  }
  EXPECT_EQ(daemon.exit_status(), 1) << "so that whoever looks after it starts another one";
  EXPECT_THAT(daemon.log(), HasSubstr("a worker has failed: the kernel had no memory for completions"));
}

}  // namespace
}  // namespace streaming
