// SPDX-License-Identifier: Apache-2.0
#include "config/config_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConfigChanges, TellsWhatIsTakenFromWhatNeedsARestart) {
  Config current, fresh;
  fresh.workers = 7;
  fresh.idle_timeout = Duration(1);
  fresh.openai_api_key = "another";
  const ConfigChanges changes = config_changes(current, fresh);
  EXPECT_THAT(changes.taken, ElementsAre("backend.openai.api_key", "backend.idle_timeout_ms"));
  EXPECT_THAT(changes.needs_restart, ElementsAre("server.workers"));
  EXPECT_EQ(changes.config.workers, current.workers);
  EXPECT_EQ(changes.config.idle_timeout, Duration(1));
  EXPECT_EQ(changes.config.openai_api_key, "another");
}

TEST(ConfigChanges, ReportsNoChangeIfNothingHasChanged) {
  const ConfigChanges changes = config_changes(Config{}, Config{});
  EXPECT_THAT(changes.taken, IsEmpty());
  EXPECT_THAT(changes.needs_restart, IsEmpty());
}

}  // namespace
}  // namespace streaming
