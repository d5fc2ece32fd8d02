// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_state.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

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
