// SPDX-License-Identifier: Apache-2.0
#include "base/undumped_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace streaming {
namespace {

// The flags of the mapping that `address` is in, as /proc/self/smaps has them; empty if it is in none.
std::string flags_of_mapping(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    std::size_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx ", &begin, &end) == 2) found = begin <= wanted && wanted < end;
    if (found && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

TEST(UndumpedPool, HasItsSlotsInMemoryThatNoCoreDumpContains) {
  UndumpedPool pool(200);
  void* slot = pool.take();
  const std::string flags = flags_of_mapping(slot);
  if (flags.empty()) GTEST_SKIP() << "this kernel shows no flags";
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
  pool.give_back(slot);
}

TEST(UndumpedPool, GivesOutEachSlotOnceUntilItComesBack) {
  constexpr std::size_t kBytes = 200;
  UndumpedPool pool(kBytes);
  std::vector<char*> slots;
  for (int i = 0; i < 2000; ++i) {
    slots.push_back(static_cast<char*>(pool.take()));
    std::memset(slots.back(), i % 256, kBytes);
  }
  EXPECT_EQ(std::set<void*>(slots.begin(), slots.end()).size(), slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_EQ(std::string(slots[i], kBytes), std::string(kBytes, static_cast<char>(i % 256)));
  }
  char* last = slots.back();
  pool.give_back(last);
  EXPECT_EQ(pool.take(), last);
  for (char* slot : slots) pool.give_back(slot);
}

TEST(UndumpedPool, GivesEmptyChunksBack) {
  UndumpedPool pool(1000);
  std::vector<void*> slots;
  for (int i = 0; i < 1000; ++i) slots.push_back(pool.take());
  void* const first = slots.front();
  void* const last = slots.back();
  ASSERT_NE(flags_of_mapping(first), "");
  for (void* slot : slots) pool.give_back(slot);
  EXPECT_EQ(flags_of_mapping(first), "");
  EXPECT_NE(flags_of_mapping(last), "") << "one chunk stays, so that a single object does not map memory each time";
}

}  // namespace
}  // namespace streaming
