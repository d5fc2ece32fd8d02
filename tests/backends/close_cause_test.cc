// SPDX-License-Identifier: Apache-2.0
#include "backends/close_cause.h"

#include <gtest/gtest.h>

#include <set>

namespace streaming {
namespace {

TEST(CloseCause, TableIsInTheOrderOfTheEnumAndEachWordIsUnique) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kCloseCauses; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kCloseCauseTable[i].cause), i);
    EXPECT_TRUE(words.insert(kCloseCauseTable[i].word).second);
  }
}

TEST(CloseCause, TellsWhetherTheClientHasTheEnd) {
  for (const CloseCause cause : {CloseCause::kCompleted, CloseCause::kIdleTimeout, CloseCause::kShutdown}) {
    EXPECT_TRUE(client_has_end(cause)) << info(cause).word;
  }
  for (const CloseCause cause : {CloseCause::kClientGone, CloseCause::kWriteTimeout, CloseCause::kClientMalformed,
                                 CloseCause::kTlsFailed}) {
    EXPECT_FALSE(client_has_end(cause)) << info(cause).word;
  }
}

}  // namespace
}  // namespace streaming
