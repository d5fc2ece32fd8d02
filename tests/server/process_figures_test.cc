// SPDX-License-Identifier: Apache-2.0
#include "server/process_figures.h"

#include <gtest/gtest.h>
#include <time.h>

namespace streaming {
namespace {

TEST(FieldOfStat, FindsAFieldOfStatAfterAnyProgramName) {
  constexpr std::string_view kStat = "42 (a) b) c (d) S 1 42 7\n";
  EXPECT_EQ(field_of_stat(kStat, 4), 1);
  EXPECT_EQ(field_of_stat(kStat, 6), 7);
  EXPECT_EQ(field_of_stat(kStat, 7), 0);
  EXPECT_EQ(field_of_stat("", 4), 0);
}

TEST(ProcessFigures, ReadsTheFiguresOfThisProcess) {
  const ProcessFigures figures = read_process_figures();
  EXPECT_GT(figures.cpu_seconds, 0);
  EXPECT_GT(figures.resident_bytes, 64 * 1024);
  EXPECT_GT(figures.virtual_bytes, figures.resident_bytes);
  EXPECT_GE(figures.threads, 1);
  EXPECT_GE(figures.open_descriptors, 3);
  EXPECT_GT(figures.most_descriptors, figures.open_descriptors);
  EXPECT_LE(figures.start_time_seconds, static_cast<double>(time(nullptr)) + 1);
  EXPECT_GT(figures.start_time_seconds, 1.5e9);
}

}  // namespace
}  // namespace streaming
