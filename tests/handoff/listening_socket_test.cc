#include "handoff/listening_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

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
  const Result<ListeningSocket> socket = open_listening_socket(path, 0620);
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0620u);
  EXPECT_TRUE(connect_to(path));
}

TEST_F(ListeningSocketTest, ReplacesTheFileOfADaemonThatDied) {
  { ASSERT_TRUE(open_listening_socket(path, 0600).ok()); }
  ASSERT_TRUE(exists());
  EXPECT_TRUE(open_listening_socket(path, 0600).ok());
  EXPECT_TRUE(exists());
}

TEST_F(ListeningSocketTest, LeavesASocketAloneThatIsInUse) {
  const Result<ListeningSocket> first = open_listening_socket(path, 0600);
  ASSERT_TRUE(first.ok());
  const Result<ListeningSocket> second = open_listening_socket(path, 0600);
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
  EXPECT_FALSE(open_listening_socket(path, 0600).ok());
  EXPECT_TRUE(exists());
}

TEST_F(ListeningSocketTest, NeverRemovesAFileThatIsNoSocket) {
  std::ofstream(path) << "precious";
  const Result<ListeningSocket> socket = open_listening_socket(path, 0600);
  ASSERT_FALSE(socket.ok());
  EXPECT_NE(socket.error().message.find("is not a socket"), std::string::npos);
  EXPECT_TRUE(exists());
}

TEST_F(ListeningSocketTest, RefusesAPathThatIsTooLong) {
  EXPECT_FALSE(open_listening_socket("/tmp/" + std::string(200, 'x'), 0600).ok());
  EXPECT_FALSE(open_listening_socket("", 0600).ok());
}

TEST_F(ListeningSocketTest, RemovesItsOwnFileButNotItsSuccessors) {
  Result<ListeningSocket> old = open_listening_socket(path, 0600);
  ASSERT_TRUE(old.ok());
  old->fd.reset();
  const Result<ListeningSocket> successor = open_listening_socket(path, 0600);
  ASSERT_TRUE(successor.ok());
  old->remove_file();
  EXPECT_TRUE(exists());
  successor.value().remove_file();
  EXPECT_FALSE(exists());
}

}  // namespace
}  // namespace streaming
