// SPDX-License-Identifier: Apache-2.0
// Disk: what rings do with files on disk, and what is left of it when a process is killed together with its machine.
//
// One per World, on its thread. The files are real ones, in a directory of the run in memory, so that a start reads them
// as it does. What was written and not synced, entries of directories included, may be lost at a crash, all of it or
// some, and a write may be torn. What the daemon does to files outside of the ring, at a start, lasts at once.

#pragma once

#include <linux/openat2.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "simulation/world/kernel.h"

namespace streaming::simulation {

class Disk {
 public:
  explicit Disk(Kernel& kernel) : kernel_(kernel) {}
  ~Disk();

  // Of the run. Makes it if it is missing.
  const std::string& directory();
  // How long an operation takes.
  std::int64_t draw_delay_ns();
  // Each returns the result of a completion.
  std::int64_t open(int directory, const char* path, const open_how& how);
  std::int64_t read(int fd, std::span<char> room, std::uint64_t offset);
  std::int64_t write(int fd, std::span<const char> bytes, std::uint64_t offset);
  std::int64_t sync(int fd);
  std::int64_t status(int fd, struct statx& status);
  std::int64_t remove(int directory, const char* path);

  // What a file certainly still has if the process, or the whole machine, is killed now.
  std::string lasting(const std::string& path, bool of_the_machine) const;
  // Takes back what was not synced, or a part of it.
  void crash();

 private:
  struct Write {
    std::uint64_t offset;
    std::string bytes;
  };
  // A file with something that is not synced.
  struct Unsynced {
    std::string path;
    bool has_entry = true;      // the directory's entry is synced
    bool was_removed = false;   // and its entry's end is not synced
    std::string synced;         // what is on the disk
    std::vector<Write> writes;  // since then
  };
  using Inode = std::pair<std::uint64_t, std::uint64_t>;

  static Inode inode_of(int fd);
  static std::string path_of(int directory);
  // Whether an operation fails now.
  bool fails();
  void restore(const Unsynced& file);

  Kernel& kernel_;
  std::string directory_;
  std::map<Inode, Unsynced> files_;
};

}  // namespace streaming::simulation
