// SPDX-License-Identifier: Apache-2.0
#include "server/memory_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

namespace streaming {
namespace {

class MemoryLimit : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::string file = root.file(path);
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text << "\n";
  }
  std::uint64_t limit() const { return memory_limit(root.file("")); }

  TemporaryDirectory root;
  const std::uint64_t machine = memory_limit("/nonexistent");
};

TEST_F(MemoryLimit, TakesTheMachinesMemoryWithoutAControlGroup) {
  EXPECT_GT(machine, 64u << 20);
  EXPECT_EQ(limit(), machine);
  write("proc/self/cgroup", "1:memory:/user");
  EXPECT_EQ(limit(), machine) << "of cgroup v1 there is none";
}

TEST_F(MemoryLimit, TakesTheSmallestMemoryLimitOfAllControlGroupsAbove) {
  write("proc/self/cgroup", "0::/system.slice/streaming-daemon.service");
  const std::string groups = "sys/fs/cgroup/", unit = groups + "system.slice/streaming-daemon.service/";
  write(unit + "memory.max", "max");
  write(unit + "memory.high", "max");
  EXPECT_EQ(limit(), machine);
  write(unit + "memory.max", "5000000");
  EXPECT_EQ(limit(), 5'000'000u);
  write(unit + "memory.high", "4000000");
  EXPECT_EQ(limit(), 4'000'000u);
  write(groups + "system.slice/memory.max", "3000000");
  EXPECT_EQ(limit(), 3'000'000u);
  write(groups + "memory.max", "2000000");
  EXPECT_EQ(limit(), 2'000'000u) << "as in a container, whose own group is the top";
}

TEST_F(MemoryLimit, GivesRequestsAQuarterUnlessTheSettingSaysOtherwise) {
  Config config;
  EXPECT_EQ(most_held_bytes(config), memory_limit() / 4);
  config.max_held_bytes = 12345;
  EXPECT_EQ(most_held_bytes(config), 12345u);
}

}  // namespace
}  // namespace streaming
