// SPDX-License-Identifier: Apache-2.0
#include "ring/tag.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(Tag, ComesBackFromTheKernelAsItWent) {
  const Tag tag{Operation::kClientSend, Handle{0xfedcba98, 0xabcdef}};
  EXPECT_EQ(Tag::decode(tag.encode()), tag);
}

TEST(Tag, OfNobodyIsZero) {
  EXPECT_EQ(Tag{}.encode(), 0u);
  EXPECT_EQ(Tag::decode(0).operation, Operation::kNone);
}

}  // namespace
}  // namespace streaming
