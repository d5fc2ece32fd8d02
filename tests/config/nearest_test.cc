// SPDX-License-Identifier: Apache-2.0
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

TEST(Nearest, KnowsACandidateByWhatStandsBehindItsLastDot) {
  constexpr std::array kKeys{"server.workers"sv, "backend.openai.model"sv};
  EXPECT_EQ(nearest("modle", kKeys), "backend.openai.model");
}

TEST(Nearest, SuggestsNothingIfTooManyLettersDiffer) {
  constexpr std::array kFlags{"--version"sv, "--retries"sv};
  EXPECT_EQ(nearest("--gc-percent", kFlags), "");
  EXPECT_EQ(nearest("", kFlags), "");
  EXPECT_EQ(did_you_mean(nearest("--gc-percent", kFlags)), "");
  EXPECT_EQ(did_you_mean(nearest("--versoin", kFlags)), "; did you mean --version?");
}

TEST(Nearest, OfNothingIsEmpty) {
  EXPECT_EQ(nearest("word", {}), "");
}

}  // namespace
}  // namespace streaming
