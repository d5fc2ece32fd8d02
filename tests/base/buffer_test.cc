// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace streaming {
namespace {

TEST(Buffer, HoldsNoMemoryUntilSomethingIsAppended) {
  Buffer buffer;
  EXPECT_EQ(buffer.data(), nullptr);
  buffer.append("");
  EXPECT_EQ(buffer.data(), nullptr);
}

TEST(Buffer, KeepsWhatIsAppendedWhileItGrows) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    buffer.append(piece);
    expected += piece;
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(Buffer, KeepsRoomInFrontWhenTheBufferGrows) {
  Buffer buffer;
  buffer.append(std::string(5000, 'x'));
  std::memset(buffer.begin() - Buffer::kHeadroom, 'h', Buffer::kHeadroom);
  EXPECT_EQ(std::string_view(buffer.begin() - Buffer::kHeadroom, Buffer::kHeadroom + 1), "hhhhhhhhhhhhhhhhx");
  EXPECT_EQ(buffer.view(), std::string(5000, 'x'));
}

TEST(Buffer, LeavesTheSourceOfAMoveEmpty) {
  Buffer source;
  source.append("text");
  Buffer target(std::move(source));
  EXPECT_EQ(target.view(), "text");
  EXPECT_TRUE(source.empty());

  Buffer assigned;
  assigned.append("old");
  assigned = std::move(target);
  EXPECT_EQ(assigned.view(), "text");
  EXPECT_TRUE(target.empty());
}

TEST(Buffer, ResetGivesTheMemoryBack) {
  Buffer buffer;
  buffer.append("text");
  buffer.reset();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.data(), nullptr);
}

TEST(BufferDeathTest, CommitBeyondWhatWasReservedIsADefect) {
  Buffer buffer;
  buffer.reserve(10);
  EXPECT_DEATH(buffer.commit(100'000), "check failed");
}

}  // namespace
}  // namespace streaming
