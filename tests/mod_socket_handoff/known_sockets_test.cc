#include "mod_socket_handoff/known_sockets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "mod_socket_handoff/acknowledged_sockets.h"
#include "mod_socket_handoff/daemon_connection.h"
#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

namespace fs = std::filesystem;

class KnownSocketsTest : public testing::Test {
 protected:
  KnownSocketsTest() {
    fs::create_directories(allowed);
    fs::create_directories(outside);
  }

  DaemonConnection connect(const std::string& to) { return connect_within(allowed, to); }

  DaemonConnection connect_within(const std::string& prefix, const std::string& to) {
    const char* const prefixes[] = {prefix.c_str()};
    return connect_to_daemon(known, to.c_str(),
                             {.allowed_prefixes = prefixes, .stream_sockets = StreamSockets::kAllowed});
  }

  bool is_known(const std::string& to) { return static_cast<bool>(known.find(to.c_str())); }

  static std::size_t open_descriptors() {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) count += entry.exists() ? 1 : 0;
    return count;
  }

  KnownSockets known;
  TemporaryDirectory directory;
  const std::string allowed = directory / "allowed";
  const std::string outside = directory / "outside";
  const std::string path = allowed + "/daemon.sock";
};

TEST_F(KnownSocketsTest, SocketIsKnownOnceItWasConnectedTo) {
  EXPECT_FALSE(is_known(path));
  const UnixListener listener(path, SOCK_SEQPACKET);
  EXPECT_TRUE(connect(path).socket);
  EXPECT_TRUE(is_known(path));
  EXPECT_TRUE(connect(path).socket);
}

TEST_F(KnownSocketsTest, NothingIsKnownByNoName) {
  EXPECT_FALSE(is_known(""));
}

TEST_F(KnownSocketsTest, StreamListenerIsKnownAsSuch) {
  const UnixListener listener(path, SOCK_STREAM);
  EXPECT_TRUE(connect(path).socket);
  EXPECT_EQ(known.find(path.c_str())->type, SOCK_STREAM);
  EXPECT_TRUE(connect(path).socket);
}

TEST_F(KnownSocketsTest, DaemonThatHasAcknowledgedIsRememberedByAllUntilItsSocketIsAnotherFile) {
  std::optional<UnixListener> listener(std::in_place, path, SOCK_SEQPACKET);
  AcknowledgedSockets acknowledged;
  EXPECT_FALSE(acknowledged.contains(connect(path).identity));
  acknowledged.add(connect(path).identity);
  EXPECT_TRUE(acknowledged.contains(connect(path).identity));

  KnownSockets of_another_process;
  const char* const prefixes[] = {allowed.c_str()};
  const SocketRules rules{.allowed_prefixes = prefixes};
  EXPECT_TRUE(acknowledged.contains(connect_to_daemon(of_another_process, path.c_str(), rules).identity));

  fs::remove(path);
  listener.emplace(path, SOCK_SEQPACKET);
  EXPECT_FALSE(acknowledged.contains(connect(path).identity));
  EXPECT_FALSE(acknowledged.contains(0));
}

TEST_F(KnownSocketsTest, RestartedDaemonIsReached) {
  std::optional<UnixListener> listener(std::in_place, path, SOCK_SEQPACKET);
  EXPECT_TRUE(connect(path).socket);
  listener.reset();
  EXPECT_EQ(connect(path).error, ECONNREFUSED);
  fs::remove(path);
  EXPECT_EQ(connect(path).error, ENOENT);
  listener.emplace(path, SOCK_STREAM);
  EXPECT_TRUE(connect(path).socket);
}

TEST_F(KnownSocketsTest, LinkThatLeadsToAnotherDaemonNowIsFollowedThoughTheFirstStillListens) {
  const UnixListener first(allowed + "/first.sock", SOCK_SEQPACKET);
  const UnixListener second(allowed + "/second.sock", SOCK_SEQPACKET);
  fs::create_symlink("first.sock", path);
  EXPECT_TRUE(connect(path).socket);
  fs::remove(path);
  fs::create_symlink("second.sock", path);
  const DaemonConnection connection = connect(path);
  ASSERT_TRUE(connection.socket);
  ASSERT_EQ(::send(connection.socket.get(), "x", 1, 0), 1);
  const UniqueDescriptor accepted = second.accept();
  EXPECT_EQ(receive_handoff(accepted.get()).payload, "x");
}

TEST_F(KnownSocketsTest, LinkThatLeadsOutOfThePrefixNowIsRefused) {
  const UnixListener listener(allowed + "/first.sock", SOCK_SEQPACKET);
  const UnixListener other(outside + "/x.sock", SOCK_SEQPACKET);
  fs::create_symlink("first.sock", path);
  EXPECT_TRUE(connect(path).socket);
  fs::remove(path);
  fs::create_symlink(outside + "/x.sock", path);
  EXPECT_EQ(connect(path).problem, PathProblem::kOutsidePrefix);
}

TEST_F(KnownSocketsTest, PrefixIsAskedForByEachHandoff) {
  const UnixListener listener(path, SOCK_SEQPACKET);
  EXPECT_TRUE(connect(path).socket);
  EXPECT_EQ(connect_within(outside, path).problem, PathProblem::kOutsidePrefix);
  EXPECT_TRUE(connect(path).socket);
}

TEST_F(KnownSocketsTest, OneDescriptorIsKeptForEachAndNoMoreThanThereIsRoomFor) {
  std::vector<UnixListener> listeners;
  listeners.reserve(KnownSockets::kMaxKnown + 4);
  for (std::size_t i = 0; i < listeners.capacity(); ++i) {
    listeners.emplace_back(path + std::to_string(i), SOCK_SEQPACKET);
  }
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < listeners.size(); ++i) EXPECT_TRUE(connect(path + std::to_string(i)).socket);
  }
  EXPECT_EQ(open_descriptors(), before + KnownSockets::kMaxKnown);
}

TEST_F(KnownSocketsTest, ThreadsShareThemWhileADaemonIsReplaced) {
  std::optional<UnixListener> listener(std::in_place, path, SOCK_SEQPACKET, 4096);
  const auto replace = [&] {
    const std::string next = allowed + "/next.sock";
    std::optional<UnixListener> restarted(std::in_place, next, SOCK_SEQPACKET, 4096);
    fs::rename(next, path);
    listener = std::move(restarted);
  };
  std::atomic<int> running = 4;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int times = 0; times < 200; ++times) EXPECT_EQ(connect(path).problem, PathProblem::kNone);
      --running;
    });
  }
  while (running > 0) replace();
  for (std::thread& thread : threads) thread.join();
  replace();
  EXPECT_TRUE(connect(path).socket);
}

}  // namespace
}  // namespace socket_handoff
