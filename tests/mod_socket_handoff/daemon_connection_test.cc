#include "mod_socket_handoff/daemon_connection.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

using std::chrono::milliseconds;

constexpr RetrySchedule kNoRetry(milliseconds(100), 0);
constexpr RetrySchedule kQuick(milliseconds(20), 3);
constexpr RetrySchedule kPatient(milliseconds(20'000), 12);  // an upper bound that a passing test never reaches

class DaemonConnectionTest : public testing::Test {
 protected:
  DaemonConnection connect(const RetrySchedule& schedule) {
    return connect_to_daemon(path.c_str(), directory.string().c_str(), schedule);
  }

  TemporaryDirectory directory;
  const std::string path = directory / "daemon.sock";
};

TEST_F(DaemonConnectionTest, ReachesASeqpacketListener) {
  const UnixListener listener(path, SOCK_SEQPACKET);
  EXPECT_TRUE(connect(kNoRetry).socket);
}

TEST_F(DaemonConnectionTest, FallsBackToAStreamListenerInOneAttempt) {
  const UnixListener listener(path, SOCK_STREAM);
  const DaemonConnection connection = connect(kNoRetry);
  EXPECT_TRUE(connection.socket);
  EXPECT_EQ(connection.attempts, 1);
}

TEST_F(DaemonConnectionTest, SocketIsReachedThroughItsPinAndNotThroughItsLongPath) {
  const std::string deep = directory / std::string(40, 'd');
  std::filesystem::create_directory(deep);
  const UnixListener listener(deep + "/x.sock", SOCK_SEQPACKET);
  EXPECT_TRUE(connect_to_daemon((deep + "/x.sock").c_str(), directory.string().c_str(), kNoRetry).socket);
}

TEST_F(DaemonConnectionTest, MissingSocketIsTriedAsOftenAsConfigured) {
  const DaemonConnection connection = connect(kQuick);
  EXPECT_FALSE(connection.socket);
  EXPECT_EQ(connection.error, ENOENT);
  EXPECT_EQ(connection.attempts, 4);
}

TEST_F(DaemonConnectionTest, SocketThatNobodyListensOnIsTriedAgain) {
  { const UnixListener gone(path, SOCK_SEQPACKET); }
  const DaemonConnection connection = connect(kQuick);
  EXPECT_EQ(connection.error, ECONNREFUSED);
  EXPECT_EQ(connection.attempts, 4);
}

TEST_F(DaemonConnectionTest, FullBacklogIsTriedAgain) {
  const UnixListener listener(path, SOCK_SEQPACKET, 1);
  std::vector<DaemonConnection> waiting;
  do {
    waiting.push_back(connect(kNoRetry));
  } while (waiting.back().socket && waiting.size() < 100);
  EXPECT_EQ(waiting.back().error, EAGAIN);
  EXPECT_EQ(connect(kQuick).attempts, 4);
}

TEST_F(DaemonConnectionTest, DaemonThatAppearsWithinTheTimeIsReached) {
  std::optional<UnixListener> listener;
  std::thread daemon([&] { listener.emplace(path, SOCK_SEQPACKET); });
  const DaemonConnection connection = connect(kPatient);
  daemon.join();
  EXPECT_TRUE(connection.socket);
}

TEST_F(DaemonConnectionTest, RefusedPathIsNotTriedAgain) {
  const DaemonConnection connection = connect_to_daemon("/elsewhere/x.sock", directory.string().c_str(), kPatient);
  EXPECT_EQ(connection.problem, PathProblem::kOutsidePrefix);
  EXPECT_EQ(connection.attempts, 1);
}

}  // namespace
}  // namespace socket_handoff
