#include "mod_socket_handoff/socket_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

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

}  // namespace
}  // namespace socket_handoff
