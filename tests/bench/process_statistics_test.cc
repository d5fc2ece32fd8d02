// SPDX-License-Identifier: Apache-2.0
#include "bench/process_statistics.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace streaming::bench {
namespace {

TEST(FieldOf, ReadsTheNumberBehindAFieldsName) {
  constexpr const char* kText = "Rss:                1234 kB\nPss:\t99 kB\nThreads:\t3";
  EXPECT_EQ(field_of(kText, "Rss:"), 1234);
  EXPECT_EQ(field_of(kText, "Pss:"), 99);
  EXPECT_EQ(field_of(kText, "Threads:"), 3);
  EXPECT_EQ(field_of(kText, "ss:"), -1);
  EXPECT_EQ(field_of("Rss: none", "Rss:"), -1);
  EXPECT_EQ(field_of("", "Rss:"), -1);
}

TEST(ProcessStatistics, OfThisProcessAreThere) {
  EXPECT_GT(*cpu_ns(getpid()), 0);
  EXPECT_GT(*resident_kb(getpid()), 100);
  EXPECT_GE(*thread_count(getpid()), 1);
}

TEST(ProcessStatistics, OfNoProcessAreAnError) {
  constexpr pid_t kNobody = 1 << 22;  // one more than the highest possible
  EXPECT_FALSE(cpu_ns(kNobody).ok());
  EXPECT_FALSE(resident_kb(kNobody).ok());
  EXPECT_FALSE(thread_count(kNobody).ok());
}

}  // namespace
}  // namespace streaming::bench
