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

TEST(CloseCause, TellsTheClientWhetherItHelpsToAskAgain) {
  const auto code = [](int status) { return client_error(CloseCause::kUpstreamStatus, status).code; };
  for (const int busy : {429, 503, 504, 529}) EXPECT_EQ(code(busy), "upstream_busy") << busy;
  for (const int failed : {500, 502, 520}) EXPECT_EQ(code(failed), "upstream_failed") << failed;
  for (const int refused : {302, 400, 401, 403, 404, 413}) EXPECT_EQ(code(refused), "upstream_refused") << refused;
  EXPECT_EQ(client_error(CloseCause::kIdleTimeout, 429).code, "idle_timeout") << "the status of another failure";
}

}  // namespace
}  // namespace streaming
