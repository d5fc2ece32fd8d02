#include "mod_socket_handoff/daemon_connection.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

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

}  // namespace
}  // namespace socket_handoff
