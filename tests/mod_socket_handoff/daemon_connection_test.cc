#include "mod_socket_handoff/daemon_connection.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

class DaemonConnectionTest : public testing::Test {
 protected:
  DaemonConnection connect(const std::string& to) {
    const std::string allowed = directory.string();
    const char* const prefixes[] = {allowed.c_str()};
    return connect_to_daemon(known, to.c_str(), prefixes);
  }

  TemporaryDirectory directory;
  const std::string path = directory / "daemon.sock";
  KnownSockets known;
};

TEST_F(DaemonConnectionTest, ReachesASeqpacketListener) {
  const UnixListener listener(path, SOCK_SEQPACKET);
  EXPECT_TRUE(connect(path).socket);
}

TEST_F(DaemonConnectionTest, FallsBackToAStreamListener) {
  const UnixListener listener(path, SOCK_STREAM);
  EXPECT_TRUE(connect(path).socket);
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
