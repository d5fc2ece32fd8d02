// SPDX-License-Identifier: Apache-2.0
#include "config/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> remarks_on(std::vector<std::string_view> environment) {
  return remarks_on_variables(environment);
}

TEST(RemarksOnVariables, NameUnknownOnesThatBeginAsOursDoWithTheNearestKnownOne) {
  EXPECT_THAT(remarks_on({"DAEMON_MAX_CONECTIONS=5", "LANGGRAPH_NO_SUCH_THING=sk-secret"}),
              ElementsAre("the variable DAEMON_MAX_CONECTIONS has no effect; did you mean DAEMON_MAX_CONNECTIONS?",
                          "the variable LANGGRAPH_NO_SUCH_THING has no effect"));
}

TEST(RemarksOnVariables, SayWhatToUseInPlaceOfThoseOfOtherDaemons) {
  EXPECT_THAT(remarks_on({"DAEMON_WRITE_TIMEOUT_SECS=30", "GOMEMLIMIT=1GiB", "OPENAI_BASE_URL=http://a"}),
              ElementsAre("the variable DAEMON_WRITE_TIMEOUT_SECS has no effect; use DAEMON_WRITE_TIMEOUT_MS, in "
                          "milliseconds",
                          "the variable GOMEMLIMIT has no effect; use MemoryHigh= of the service's unit",
                          "the variable OPENAI_BASE_URL has no effect; use OPENAI_API_BASE"));
}

TEST(RemarksOnVariables, LeaveKnownOnesOthersAndEmptyOnesAlone) {
  EXPECT_THAT(remarks_on({"DAEMON_WORKERS=2", "PATH=/bin", "DAEMON_NOTHING=", "DAEMON_NOTHING", "DAEMONS=1", ""}),
              IsEmpty());
}

}  // namespace
}  // namespace streaming
