// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_marks.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(AnswerMarks, BringTheEndOfAnAnswerToTheSuccessor) {
  for (const CloseCauseInfo& cause : kCloseCauseTable) {
    const auto mark = read_end_mark(end_mark(cause.cause, 429, 7));
    ASSERT_TRUE(mark) << cause.word;
    EXPECT_EQ(mark->cause, cause.cause);
    EXPECT_EQ(mark->status, 429);
    EXPECT_EQ(mark->retry_after_seconds, 7);
  }
}

TEST(AnswerMarks, AreNotMistakenForOtherComments) {
  for (const char* frame : {": ping\n\n", ": live\n\n", ": end\n\n", ": end no_such_cause 0 0\n\n",
                            "data: : end completed 0 0\n\n"}) {
    EXPECT_FALSE(read_end_mark(frame)) << frame;
  }
}

TEST(AnswerMarks, KnowTheFailureOfEachCauseThatEndsAnAnswer) {
  EXPECT_EQ(failure_of(CloseCause::kStopped), FailureKind::kStopped);
  EXPECT_EQ(failure_of(CloseCause::kIdleTimeout), FailureKind::kIdleTimeout);
  EXPECT_FALSE(failure_of(CloseCause::kCompleted));
}

}  // namespace
}  // namespace streaming
