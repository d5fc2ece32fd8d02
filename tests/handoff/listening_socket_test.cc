// SPDX-License-Identifier: Apache-2.0
#include "handoff/listening_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "handoff/limits.h"

#include "support/temporary_directory.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

class ListeningSocketTest : public testing::Test {
 protected:
  bool exists() const { return access(path.c_str(), F_OK) == 0; }

  TemporaryDirectory directory;
  const std::string path = directory.file("daemon.sock");
};

TEST_F(ListeningSocketTest, ListensWithTheModeThatWasAsked) {
  const Result<ListeningSocket> socket = open_listening_socket(path, {0620, {}, {}});
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0620u);
  EXPECT_TRUE(connect_to(path));
}

TEST_F(ListeningSocketTest, GivesTheFileToTheUserAndTheGroupThatWereAsked) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const Result<ListeningSocket> socket = open_listening_socket(path, {0640, {"1234", 1234}, {"4321", 4321}});
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234u);
  EXPECT_EQ(status.st_gid, 4321u);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_TRUE(connect_to(path));
}

// In a separate process, as another user.
void expect_that_nobody_may_give(const std::string& path, const SocketRights& rights, const std::string& key) {
  if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(2);
  const Result<ListeningSocket> socket = open_listening_socket(path, rights);
  const bool named = !socket.ok() && socket.error().message.find("(" + key + "): Operation not permitted; start the") !=
                                         std::string::npos;
  _exit(named && access(path.c_str(), F_OK) != 0 ? 0 : 1);
}

TEST_F(ListeningSocketTest, SaysWhatToDoWhenItMayNotGiveTheFileAwayAndLeavesNone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  ASSERT_EQ(chmod(directory.file("").c_str(), 0777), 0);
  EXPECT_EXIT(
      expect_that_nobody_may_give(path, {.mode = 0660, .owner = {"root", 0}, .group = {}}, "server.socket_owner"),
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      expect_that_nobody_may_give(path, {.mode = 0660, .owner = {}, .group = {"www-data", 33}}, "server.socket_group"),
      testing::ExitedWithCode(0), "");
}

TEST_F(ListeningSocketTest, ReplacesTheFileOfADaemonThatDied) {
  { ASSERT_TRUE(open_listening_socket(path, {}).ok()); }
  ASSERT_TRUE(exists());
  EXPECT_TRUE(open_listening_socket(path, {}).ok());
  EXPECT_TRUE(exists());
}

TEST_F(ListeningSocketTest, LeavesTheFileToADaemonThatIsReplacingItNow) {
  { ASSERT_TRUE(open_listening_socket(path, {}).ok()); }
  const std::string lock = path + ".lock";
  UniqueFd other(open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_FALSE(open_listening_socket(path, {}).ok());
  EXPECT_TRUE(exists());
  other.reset();
  EXPECT_TRUE(open_listening_socket(path, {}).ok()) << "one that died at it is in nobody's way";
  EXPECT_NE(access(lock.c_str(), F_OK), 0);
}

TEST_F(ListeningSocketTest, NamesTheSocketWhoseDirectoryIsMissing) {
  const std::string missing = directory.file("missing/daemon.sock");
  const Result<ListeningSocket> socket = open_listening_socket(missing, {});
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.error().message.find("cannot bind the socket " + missing + ": "), 0u) << socket.error().message;
  EXPECT_NE(socket.error().message.find("No such file or directory"), std::string::npos) << socket.error().message;
}

TEST_F(ListeningSocketTest, LeavesTheBacklogOfASocketThatListensAlready) {
  UniqueFd made(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(made.get(), kListenBacklog + 10), 0);
  const Result<ListeningSocket> socket = adopt_listening_socket(std::move(made));
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  std::vector<UniqueFd> waiting;
  for (std::uint32_t i = 0; i < kListenBacklog + 10; ++i) {
    UniqueFd peer(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
    ASSERT_EQ(connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << i;
    waiting.push_back(std::move(peer));
  }
}

TEST_F(ListeningSocketTest, LeavesASocketAloneThatIsInUse) {
  const Result<ListeningSocket> first = open_listening_socket(path, {});
  ASSERT_TRUE(first.ok());
  const Result<ListeningSocket> second = open_listening_socket(path, {});
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
  EXPECT_TRUE(connect_to(path));
}

TEST_F(ListeningSocketTest, LeavesAStreamSocketAloneThatIsInUse) {
  const UniqueFd other(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(other.get(), 1), 0);
  EXPECT_FALSE(open_listening_socket(path, {}).ok());
  EXPECT_TRUE(exists());
}

TEST_F(ListeningSocketTest, NeverRemovesAFileThatIsNoSocket) {
  std::ofstream(path) << "precious";
  const Result<ListeningSocket> socket = open_listening_socket(path, {});
  ASSERT_FALSE(socket.ok());
  EXPECT_NE(socket.error().message.find("is not a socket"), std::string::npos);
  EXPECT_TRUE(exists());
}

TEST_F(ListeningSocketTest, RefusesAPathThatIsTooLong) {
  EXPECT_FALSE(open_listening_socket("/tmp/" + std::string(200, 'x'), {}).ok());
  EXPECT_FALSE(open_listening_socket("", {}).ok());
}

TEST_F(ListeningSocketTest, RemovesItsOwnFileButNotItsSuccessors) {
  const Result<ListeningSocket> old = open_listening_socket(path, {});
  ASSERT_TRUE(old.ok());
  ASSERT_EQ(shutdown(old.value().fd.get(), SHUT_RDWR), 0);  // it takes no more connections
  const Result<ListeningSocket> successor = open_listening_socket(path, {});
  ASSERT_TRUE(successor.ok()) << successor.error().message;
  old.value().remove_file();
  EXPECT_TRUE(exists());
  successor.value().remove_file();
  EXPECT_FALSE(exists());
}

TEST_F(ListeningSocketTest, RemovesItsFileAlsoIfTheAdministratorHasChangedItsRights) {
  const Result<ListeningSocket> socket = open_listening_socket(path, {});
  ASSERT_TRUE(socket.ok());
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  socket.value().remove_file();
  EXPECT_FALSE(exists());
}

}  // namespace
}  // namespace streaming
