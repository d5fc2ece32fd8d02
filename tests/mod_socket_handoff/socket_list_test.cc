#include "mod_socket_handoff/socket_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace socket_handoff {
namespace {

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
