// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/daemon_socket.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

namespace fs = std::filesystem;

SocketFile open_in(const std::string& path, const std::string& prefix) {
  const char* const prefixes[] = {prefix.c_str()};
  return open_socket_file(path.c_str(), prefixes);
}

class SocketFileTest : public testing::Test {
 protected:
  SocketFileTest() {
    fs::create_directories(allowed);
    fs::create_directories(outside);
  }

  PathProblem problem_of(const std::string& path, const std::string& prefix) { return open_in(path, prefix).problem; }

  TemporaryDirectory directory;
  const std::string allowed = directory / "allowed";
  const std::string outside = directory / "outside";
};

TEST_F(SocketFileTest, SocketInThePrefixIsPinned) {
  const UnixListener listener(allowed + "/x.sock", SOCK_SEQPACKET);
  const SocketFile file = open_in(allowed + "/x.sock", allowed);
  EXPECT_EQ(file.problem, PathProblem::kNone);
  EXPECT_TRUE(file.pin);
}

TEST_F(SocketFileTest, PrefixMayBeOneSocketAndAdmitsThatAlone) {
  const UnixListener listener(allowed + "/x.sock", SOCK_SEQPACKET);
  const UnixListener other(allowed + "/x.sock2", SOCK_SEQPACKET);
  fs::create_directory_symlink(allowed, directory / "link");
  for (const std::string& prefix : {allowed + "/x.sock", directory / "link/x.sock"}) {
    EXPECT_EQ(problem_of(allowed + "/x.sock", prefix), PathProblem::kNone);
    EXPECT_EQ(problem_of(directory / "link/x.sock", prefix), PathProblem::kNone);
    EXPECT_EQ(problem_of(allowed + "/x.sock2", prefix), PathProblem::kOutsidePrefix);
    EXPECT_EQ(problem_of(allowed + "/missing.sock", prefix), PathProblem::kOutsidePrefix);
  }
  EXPECT_EQ(problem_of(allowed + "/later.sock", allowed + "/later.sock"), PathProblem::kNone);
}

TEST_F(SocketFileTest, PrefixThatIsALinkIsFollowed) {
  const UnixListener listener(allowed + "/x.sock", SOCK_SEQPACKET);
  fs::create_directory_symlink(allowed, directory / "link");
  EXPECT_EQ(problem_of(allowed + "/x.sock", directory / "link/"), PathProblem::kNone);
  EXPECT_EQ(problem_of(directory / "link/x.sock", directory / "link/"), PathProblem::kNone);
  EXPECT_EQ(problem_of(directory / "link/x.sock", allowed), PathProblem::kNone);
}

TEST_F(SocketFileTest, AnyOfSeveralPrefixesWillDo) {
  const UnixListener listener(outside + "/x.sock", SOCK_SEQPACKET);
  const char* const both[] = {allowed.c_str(), outside.c_str()};
  EXPECT_EQ(open_socket_file((outside + "/x.sock").c_str(), both).problem, PathProblem::kNone);
  EXPECT_EQ(open_socket_file((outside + "/missing.sock").c_str(), both).problem, PathProblem::kNone);
  EXPECT_EQ(open_socket_file((directory / "x.sock").c_str(), both).problem, PathProblem::kOutsidePrefix);
}

TEST_F(SocketFileTest, LinkWithinThePrefixIsAllowed) {
  const UnixListener listener(allowed + "/x.sock", SOCK_SEQPACKET);
  fs::create_symlink("x.sock", allowed + "/link.sock");
  EXPECT_EQ(problem_of(allowed + "/link.sock", allowed), PathProblem::kNone);
}

TEST_F(SocketFileTest, LinkOutOfThePrefixIsRefused) {
  const UnixListener listener(outside + "/x.sock", SOCK_SEQPACKET);
  fs::create_symlink(outside + "/x.sock", allowed + "/link.sock");
  EXPECT_EQ(problem_of(allowed + "/link.sock", allowed), PathProblem::kOutsidePrefix);
}

TEST_F(SocketFileTest, DirectoryLinkOutOfThePrefixIsRefusedWithAndWithoutASocketBehindIt) {
  const UnixListener listener(outside + "/x.sock", SOCK_SEQPACKET);
  fs::create_directory_symlink(outside, allowed + "/link");
  EXPECT_EQ(problem_of(allowed + "/link/x.sock", allowed), PathProblem::kOutsidePrefix);
  EXPECT_EQ(problem_of(allowed + "/link/missing.sock", allowed), PathProblem::kOutsidePrefix);
}

TEST_F(SocketFileTest, MissingSocketInThePrefixIsOnlyMissing) {
  const SocketFile file = open_in(allowed + "/missing.sock", allowed);
  EXPECT_EQ(file.problem, PathProblem::kNone);
  EXPECT_EQ(file.error, ENOENT);
}

TEST_F(SocketFileTest, MissingDirectoryInThePrefixIsOnlyMissing) {
  EXPECT_EQ(problem_of(allowed + "/missing/deeper/x.sock", allowed), PathProblem::kNone);
}

TEST_F(SocketFileTest, MissingPrefixIsOnlyMissingEvenBehindALink) {
  fs::create_directory_symlink(allowed, directory / "link");
  EXPECT_EQ(problem_of(directory / "link/missing/x.sock", directory / "link/missing"), PathProblem::kNone);
}

TEST_F(SocketFileTest, MissingSocketOutsideThePrefixIsRefused) {
  EXPECT_EQ(problem_of(outside + "/missing.sock", allowed), PathProblem::kOutsidePrefix);
  EXPECT_EQ(problem_of(outside + "/missing/x.sock", allowed), PathProblem::kOutsidePrefix);
  EXPECT_EQ(problem_of("/missing.sock", allowed), PathProblem::kOutsidePrefix);
}

TEST_F(SocketFileTest, FileThatIsNoSocketIsRefused) {
  std::ofstream(allowed + "/file") << "text";
  EXPECT_EQ(problem_of(allowed + "/file", allowed), PathProblem::kNotASocket);
  EXPECT_EQ(problem_of(allowed, allowed), PathProblem::kNotASocket);
}

TEST_F(SocketFileTest, NamedPipeIsRefusedWithoutWaitingForItsReader) {
  ASSERT_EQ(::mkfifo((allowed + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(problem_of(allowed + "/pipe", allowed), PathProblem::kNotASocket);
}

TEST_F(SocketFileTest, ShortageOfDescriptorsIsNotBlamedOnThePath) {
  const UnixListener listener(allowed + "/x.sock", SOCK_SEQPACKET);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const SocketFile file = open_in(allowed + "/x.sock", allowed);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(file.problem, PathProblem::kNone);
  EXPECT_EQ(file.error, EMFILE);
}

class DaemonConnectionTest : public testing::Test {
 protected:
  DaemonConnection connect(const std::string& to, StreamSockets stream_sockets = StreamSockets::kForbidden) {
    const std::string allowed = directory.string();
    const char* const prefixes[] = {allowed.c_str()};
    return connect_to_daemon(known, to.c_str(), {.allowed_prefixes = prefixes, .stream_sockets = stream_sockets});
  }

  TemporaryDirectory directory;
  const std::string path = directory / "daemon.sock";
  KnownSockets known;
};

TEST_F(DaemonConnectionTest, ReachesASeqpacketListener) {
  const UnixListener listener(path, SOCK_SEQPACKET);
  EXPECT_TRUE(connect(path).socket);
}

TEST_F(DaemonConnectionTest, StreamListenerIsReachedWhereThatIsAllowed) {
  const UnixListener listener(path, SOCK_STREAM);
  const DaemonConnection connection = connect(path, StreamSockets::kAllowed);
  EXPECT_TRUE(connection.socket);
  EXPECT_EQ(connection.type, SOCK_STREAM);
}

TEST_F(DaemonConnectionTest, StreamListenerIsRefusedElsewhereKnownOrNot) {
  const UnixListener listener(path, SOCK_STREAM);
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(connect(path).problem, PathProblem::kStreamSocket);
    EXPECT_EQ(connect(path, StreamSockets::kUnfitData).problem, PathProblem::kUnfitForStreamSocket);
    EXPECT_FALSE(listener.was_connected_to());
    EXPECT_TRUE(connect(path, StreamSockets::kAllowed).socket);
    EXPECT_TRUE(listener.was_connected_to());
  }
}

TEST_F(DaemonConnectionTest, SocketIsReachedThroughItsPinAndNotThroughItsLongPath) {
  const std::string deep = directory / std::string(40, 'd');
  std::filesystem::create_directory(deep);
  const UnixListener listener(deep + "/x.sock", SOCK_SEQPACKET);
  EXPECT_TRUE(connect(deep + "/x.sock").socket);
}

TEST_F(DaemonConnectionTest, SaysWhyThereIsNone) {
  EXPECT_EQ(connect(path).error, ENOENT);
  EXPECT_EQ(connect("/elsewhere/x.sock").problem, PathProblem::kOutsidePrefix);
}

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
