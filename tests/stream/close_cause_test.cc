// SPDX-License-Identifier: Apache-2.0
#include "stream/close_cause.h"

#include <gtest/gtest.h>

#include <set>

#include "stream/stream_state.h"

namespace streaming {
namespace {

TEST(CloseCause, TableIsInTheOrderOfTheEnumAndEachWordIsUnique) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kCloseCauses; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kCloseCauseTable[i].cause), i);
    EXPECT_TRUE(words.insert(kCloseCauseTable[i].word).second);
  }
}

TEST(StreamState, GoesForwardOnly) {
  for (int from = 0; from < 5; ++from) {
    for (int to = 0; to <= from; ++to) {
      EXPECT_FALSE(may_move(static_cast<StreamState>(from), static_cast<StreamState>(to))) << from << " to " << to;
    }
  }
  EXPECT_FALSE(may_move(StreamState::kStreaming, StreamState::kFree)) << "never without closing";
  EXPECT_FALSE(may_move(StreamState::kDraining, StreamState::kFree)) << "never without closing";
}

}  // namespace
}  // namespace streaming
