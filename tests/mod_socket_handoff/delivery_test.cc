// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/delivery.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(RetrySchedule, PausesDoubleAndFillTheTimeAllowed) {
  constexpr RetrySchedule schedule(milliseconds(700), 3);
  EXPECT_EQ(schedule.pause_before(0), milliseconds(100));
  EXPECT_EQ(schedule.pause_before(1), milliseconds(200));
  EXPECT_EQ(schedule.pause_before(2), milliseconds(400));
}

TEST(RetrySchedule, OneRetryWaitsForTheWholeTime) {
  EXPECT_EQ(RetrySchedule(milliseconds(500), 1).pause_before(0), milliseconds(500));
}

TEST(RetrySchedule, RetriesEndAtTheirNumber) {
  constexpr RetrySchedule none(milliseconds(500), 0);
  EXPECT_FALSE(none.allows_retry(0));
  constexpr RetrySchedule two(milliseconds(500), 2);
  EXPECT_TRUE(two.allows_retry(1));
  EXPECT_FALSE(two.allows_retry(2));
}

TEST(RetrySchedule, LargestSettingsStayWithinTheTimeAllowed) {
  constexpr RetrySchedule schedule(milliseconds(60'000), 20);
  microseconds sum{};
  for (int retry = 0; retry < 20; ++retry) sum += schedule.pause_before(retry);
  EXPECT_LE(sum, microseconds(milliseconds(60'000)));
  EXPECT_GT(sum, microseconds(milliseconds(59'999)));
}

using std::chrono::milliseconds;

constexpr RetrySchedule kNoRetry(milliseconds(100), 0);
constexpr RetrySchedule kQuick(milliseconds(500), 3);        // the last pause is long enough for a busy machine
constexpr RetrySchedule kPatient(milliseconds(20'000), 12);  // an upper bound that a passing test never reaches

class DaemonSearchTest : public testing::Test {
 protected:
  // Which candidate was found first, or -1.
  int search(const RetrySchedule& schedule) {
    DaemonSearch search(sockets, candidates, rules, schedule);
    Candidate* found = search.next(connection);
    return found ? static_cast<int>(found - candidates.data()) : -1;
  }

  TemporaryDirectory directory;
  const std::string allowed = directory.string();
  const char* const prefixes[1] = {allowed.c_str()};
  const SocketRules rules{.allowed_prefixes = prefixes};
  const std::string path = directory / "daemon.sock";
  const std::string other = directory / "other.sock";
  std::vector<Candidate> candidates = {{.path = path.c_str()}};
  DaemonConnection connection;
  AcknowledgedSockets acknowledged;
  SocketMemory sockets{.known = {}, .unreachable = {}, .acknowledged = acknowledged};
};

TEST_F(DaemonSearchTest, MissingSocketIsTriedAsOftenAsConfigured) {
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].error, ENOENT);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, SocketThatNobodyListensOnIsTriedAgain) {
  { const UnixListener gone(path, SOCK_SEQPACKET); }
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].error, ECONNREFUSED);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, SocketThatWasWaitedForInVainIsAskedOnceAndThenWaitedForAgain) {
  EXPECT_EQ(search(kQuick), -1);
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(search(kPatient), -1);
  EXPECT_EQ(candidates[0].attempts, 1);

  const Deadline deadline(milliseconds(30'000));
  while (sockets.unreachable.contains(path.c_str())) ASSERT_FALSE(deadline.has_passed());
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, SocketThatWasWaitedForInVainHoldsNoOtherUp) {
  EXPECT_EQ(search(kQuick), -1);
  candidates = {{.path = path.c_str()}, {.path = other.c_str()}};
  std::optional<UnixListener> listener;
  std::thread daemon([&] { listener.emplace(other, SOCK_SEQPACKET); });
  EXPECT_EQ(search(kPatient), 1);
  daemon.join();
}

TEST_F(DaemonSearchTest, FullBacklogIsTriedAgain) {
  const UnixListener listener(path, SOCK_SEQPACKET, 1);
  std::vector<UniqueDescriptor> waiting;
  while (waiting.size() < 100) {
    candidates = {{.path = path.c_str()}};
    if (search(kNoRetry) < 0) break;
    waiting.push_back(std::move(connection.socket));
  }
  EXPECT_EQ(candidates[0].error, EAGAIN);
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, DaemonThatAppearsWithinTheTimeIsReached) {
  std::optional<UnixListener> listener;
  std::thread daemon([&] { listener.emplace(path, SOCK_SEQPACKET); });
  EXPECT_EQ(search(kPatient), 0);
  daemon.join();
  EXPECT_TRUE(connection.socket);
}

TEST_F(DaemonSearchTest, RefusedPathIsNotTriedAgain) {
  candidates = {{.path = "/elsewhere/x.sock"}};
  EXPECT_EQ(search(kPatient), -1);
  EXPECT_EQ(candidates[0].problem, PathProblem::kOutsidePrefix);
  EXPECT_EQ(candidates[0].attempts, 1);
}

TEST_F(DaemonSearchTest, SecondSocketIsTriedBeforeTheFirstOneIsTriedAgain) {
  const UnixListener listener(other, SOCK_SEQPACKET);
  candidates.push_back({.path = other.c_str()});
  EXPECT_EQ(search(kPatient), 1);
  EXPECT_EQ(candidates[0].attempts, 1);
}

TEST_F(DaemonSearchTest, EachSocketIsGivenOnce) {
  const UnixListener listener(path, SOCK_SEQPACKET);
  const UnixListener other_listener(other, SOCK_SEQPACKET);
  candidates.push_back({.path = other.c_str()});
  DaemonSearch search(sockets, candidates, rules, kQuick);
  EXPECT_EQ(search.next(connection), &candidates[0]);
  EXPECT_EQ(search.next(connection), &candidates[1]);
  EXPECT_EQ(search.next(connection), nullptr);
}

TEST_F(DaemonSearchTest, SocketThatCannotBeReachedHoldsNoOtherUpWhenTheTimeIsOver) {
  const UnixListener listener(other, SOCK_SEQPACKET);
  candidates.push_back({.path = other.c_str()});
  EXPECT_EQ(search(RetrySchedule(milliseconds(0), 0)), 1);
}

}  // namespace
}  // namespace socket_handoff
