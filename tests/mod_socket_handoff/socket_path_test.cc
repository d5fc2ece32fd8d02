// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/socket_path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace socket_handoff {
namespace {

TEST(WrittenPath, AbsolutePathIsInOrder) {
  EXPECT_EQ(check_written_path("/run/streaming-daemon.sock"), PathProblem::kNone);
}

TEST(WrittenPath, EmptyPathIsRefused) {
  EXPECT_EQ(check_written_path(""), PathProblem::kEmpty);
}

TEST(WrittenPath, RelativeAndAbstractPathsAreRefused) {
  EXPECT_EQ(check_written_path("run/daemon.sock"), PathProblem::kRelative);
  EXPECT_EQ(check_written_path("@daemon"), PathProblem::kRelative);
}

TEST(WrittenPath, LongestPathThatASocketCanHaveIsInOrderAndOneByteMoreIsNot) {
  const std::string longest = "/" + std::string(kMaxSocketPathBytes - 1, 'x');
  EXPECT_EQ(check_written_path(longest), PathProblem::kNone);
  EXPECT_EQ(check_written_path(longest + "x"), PathProblem::kTooLong);
}

TEST(WrittenPath, ParentReferenceIsRefusedWhereverItStands) {
  for (const char* path : {"/run/../etc/x.sock", "/../x.sock", "/run/..", "/run//../x.sock"}) {
    EXPECT_EQ(check_written_path(path), PathProblem::kParentReference) << path;
  }
}

TEST(WrittenPath, DotsWithinANameAreNoParentReference) {
  for (const char* path : {"/run/..x.sock", "/run/x..", "/run/.../x.sock", "/run/./x.sock"}) {
    EXPECT_EQ(check_written_path(path), PathProblem::kNone) << path;
  }
}

TEST(IsWithin, DirectoryHoldsItselfAndWhatIsBelowIt) {
  EXPECT_TRUE(is_within("/run", "/run/"));
  EXPECT_TRUE(is_within("/run/x.sock", "/run/"));
  EXPECT_TRUE(is_within("/run/a/b/x.sock", "/run"));
  EXPECT_TRUE(is_within("/anything", "/"));
}

TEST(IsWithin, NeighbourWithTheSameBeginningIsOutside) {
  EXPECT_FALSE(is_within("/runaway/x.sock", "/run"));
  EXPECT_FALSE(is_within("/runaway/x.sock", "/run/"));
  EXPECT_FALSE(is_within("/ru", "/run"));
}

TEST(HttpStatus, BrokenRuleIsForbiddenAndNonsenseIsTheServersError) {
  EXPECT_EQ(http_status(PathProblem::kOutsidePrefix), 403);
  EXPECT_EQ(http_status(PathProblem::kParentReference), 403);
  EXPECT_EQ(http_status(PathProblem::kEmpty), 500);
  EXPECT_EQ(http_status(PathProblem::kRelative), 500);
  EXPECT_EQ(http_status(PathProblem::kTooLong), 500);
  EXPECT_EQ(http_status(PathProblem::kNotASocket), 500);
}

std::vector<std::string> paths(std::string text) {
  const SocketList list(text.data());
  return {list.paths().begin(), list.paths().end()};
}

using Paths = std::vector<std::string>;

TEST(SocketList, OnePathIsAListOfOne) {
  EXPECT_EQ(paths("/run/a.sock"), Paths({"/run/a.sock"}));
  EXPECT_EQ(paths("  /run/a b.sock\t"), Paths({"/run/a b.sock"}));
}

TEST(SocketList, KeepsTheOrder) {
  EXPECT_EQ(paths("/b, /a ,/c"), Paths({"/b", "/a", "/c"}));
}

TEST(SocketList, PassesOverWhatIsEmpty) {
  EXPECT_EQ(paths(",/a,, ,/b,"), Paths({"/a", "/b"}));
}

TEST(SocketList, IsNeverEmpty) {
  EXPECT_EQ(paths(""), Paths({""}));
  EXPECT_EQ(paths(" , ,"), Paths({""}));
}

TEST(SocketList, HoldsSoManyAndSaysWhereThereWereMore) {
  std::string text;
  for (std::size_t i = 0; i < SocketList::kMaxSockets; ++i) text += "/x,";
  std::string longer = text + "/y";
  EXPECT_FALSE(SocketList(text.data()).is_too_long());
  const SocketList list(longer.data());
  EXPECT_TRUE(list.is_too_long());
  EXPECT_EQ(list.paths().size(), SocketList::kMaxSockets);
}

}  // namespace
}  // namespace socket_handoff
