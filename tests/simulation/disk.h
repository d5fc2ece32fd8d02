// SPDX-License-Identifier: Apache-2.0
// Disk: what rings do with files on disk. The files are real ones, in a directory of the run in memory.
//
// One per World, on its thread.

#pragma once

#include <linux/openat2.h>
#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>

#include "simulation/kernel.h"

namespace streaming::simulation {

class Disk {
 public:
  explicit Disk(Kernel& kernel) : kernel_(kernel) {}

  // How long an operation takes.
  std::int64_t draw_delay_ns();
  // Each returns the result of a completion.
  std::int64_t open(int directory, const char* path, const open_how& how);
  std::int64_t read(int fd, std::span<char> room, std::uint64_t offset);
  std::int64_t write(int fd, std::span<const char> bytes, std::uint64_t offset);
  std::int64_t sync(int fd);
  std::int64_t status(int fd, struct statx& status);
  std::int64_t remove(int directory, const char* path);

 private:
  Kernel& kernel_;
};

}  // namespace streaming::simulation
