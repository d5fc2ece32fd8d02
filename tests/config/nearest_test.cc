#include "config/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace streaming {
namespace {

using namespace std::string_view_literals;

TEST(Nearest, FindsTheWordThatWasMistyped) {
  constexpr std::array kWords{"workers"sv, "socket_path"sv, "socket_mode"sv};
  EXPECT_EQ(nearest("wokers", kWords), "workers");
  EXPECT_EQ(nearest("socket_pth", kWords), "socket_path");
  EXPECT_EQ(nearest("socket-mode", kWords), "socket_mode");
}

TEST(Nearest, OfNothingIsEmpty) {
  EXPECT_EQ(nearest("word", {}), "");
}

}  // namespace
}  // namespace streaming
