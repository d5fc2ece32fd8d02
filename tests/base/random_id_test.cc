// SPDX-License-Identifier: Apache-2.0
#include "base/random_id.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace streaming {
namespace {

TEST(RandomId, MakesADifferentIdEachTime) {
  const std::string id = random_id();
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(id, random_id());
}

TEST(RandomId, MakesADifferentSeedEachTime) {
  const std::set<std::uint32_t> seeds{random_seed(), random_seed(), random_seed()};
  EXPECT_GT(seeds.size(), 1u);
}

}  // namespace
}  // namespace streaming
