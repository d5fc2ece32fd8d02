// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace streaming::simulation {
namespace {

std::int64_t result_of(std::int64_t result) {
  return result >= 0 ? result : -errno;
}

std::string contents_of(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path, std::ios::binary).rdbuf();
  return contents.str();
}

}  // namespace

const std::string& Disk::directory() {
  if (!directory_.empty()) return directory_;
  std::string name = "/dev/shm/simulate.XXXXXX";
  CHECK(mkdtemp(name.data()) != nullptr);
  return directory_ = name;
}

Disk::~Disk() {
  if (directory_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::int64_t Disk::draw_delay_ns() {
  if (kernel_.faults.hanging_disk.strikes(kernel_.random)) {
    kernel_.coverage.count("fault", "hanging disk");
    kernel_.history.note_disk_failure(kernel_.scheduler.now());
    return static_cast<std::int64_t>(kernel_.random.between(1500, 6000)) * kMs;
  }
  return static_cast<std::int64_t>(kernel_.random.between(20, 5000)) * kUs;
}

bool Disk::fails() {
  const bool failed = kernel_.faults.disk_error.strikes(kernel_.random);
  if (failed) kernel_.history.note_disk_failure(kernel_.scheduler.now());
  return failed;
}

Disk::Inode Disk::inode_of(int fd) {
  struct stat status {};
  CHECK(fstat(fd, &status) == 0);
  return {status.st_dev, status.st_ino};
}

std::string Disk::path_of(int directory) {
  std::array<char, 4096> path;
  const std::string link = "/proc/self/fd/" + std::to_string(directory);
  const ssize_t bytes = readlink(link.c_str(), path.data(), path.size());
  CHECK(bytes > 0);
  return {path.data(), static_cast<std::size_t>(bytes)};
}

// --- Operations -----------------------------------------------------------------------------------------------------

std::int64_t Disk::open(int directory, const char* path, const open_how& how) {
  if (fails()) return -kernel_.random.pick({EIO, ENOSPC, EMFILE});
  const std::int64_t fd = result_of(syscall(SYS_openat2, directory, path, &how, sizeof how));
  if (fd >= 0 && (how.flags & O_CREAT) != 0) {
    files_[inode_of(static_cast<int>(fd))] = {.path = path_of(directory) + "/" + path, .has_entry = false, .synced = {}, .writes = {}};
  }
  return fd;
}

std::int64_t Disk::read(int fd, std::span<char> room, std::uint64_t offset) {
  if (fails()) return -EIO;
  return result_of(pread(fd, room.data(), room.size(), static_cast<off_t>(offset)));
}

std::int64_t Disk::write(int fd, std::span<const char> bytes, std::uint64_t offset) {
  if (fails()) return -kernel_.random.pick({EIO, ENOSPC});
  if (bytes.size() > 1 && kernel_.faults.short_write.strikes(kernel_.random)) {
    kernel_.coverage.count("fault", "short write");
    bytes = bytes.first(kernel_.random.between(1, bytes.size() - 1));
  }
  if (const auto file = files_.find(inode_of(fd)); file != files_.end()) {
    file->second.writes.push_back({offset, std::string(bytes.data(), bytes.size())});
  }
  return result_of(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
}

// Of a directory its entries, of a file what was written.
std::int64_t Disk::sync(int fd) {
  if (fails()) return -EIO;
  if (const auto file = files_.find(inode_of(fd)); file != files_.end()) {
    file->second.synced = contents_of(file->second.path);
    file->second.writes.clear();
    return 0;
  }
  const std::string directory = path_of(fd) + "/";
  for (auto file = files_.begin(); file != files_.end();) {
    Unsynced& entry = file->second;
    const bool is_in_it = entry.path.starts_with(directory);
    if (is_in_it) entry.has_entry = true;
    file = is_in_it && entry.was_removed ? files_.erase(file) : std::next(file);
  }
  return 0;
}

std::int64_t Disk::status(int fd, struct statx& status) {
  return result_of(statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &status));
}

std::int64_t Disk::remove(int directory, const char* path) {
  if (fails()) return -EIO;
  const std::string whole = path_of(directory) + "/" + path;
  for (auto& [inode, file] : files_) {
    if (file.path == whole) file.was_removed = true;
  }
  return result_of(unlinkat(directory, path, 0));
}

// --- A crash --------------------------------------------------------------------------------------------------------

std::string Disk::lasting(const std::string& path, bool of_the_machine) const {
  const auto file = std::find_if(files_.begin(), files_.end(), [&](const auto& entry) { return entry.second.path == path; });
  if (file == files_.end() || !of_the_machine) return contents_of(path);
  const bool may_be_lost = !file->second.has_entry || file->second.was_removed;
  return may_be_lost ? std::string() : file->second.synced;
}

// In an order that the numbers of inodes have no part in.
void Disk::crash() {
  std::multimap<std::string_view, const Unsynced*> by_path;
  for (const auto& [inode, file] : files_) by_path.emplace(file.path, &file);
  for (const auto& [path, file] : by_path) restore(*file);
  files_.clear();
}

// The kernel may have written any part of what was not synced, in any order.
void Disk::restore(const Unsynced& file) {
  Random& random = kernel_.random;
  const bool is_lost = (!file.has_entry || file.was_removed) && random.one_in(2);
  if (is_lost || !std::filesystem::exists(std::filesystem::path(file.path).parent_path())) {
    unlink(file.path.c_str());
    kernel_.coverage.count("crash", "file lost");
    return;
  }
  std::string contents = file.synced;
  const bool loses_all = random.one_in(3);
  for (const Write& write : file.writes) {
    if (loses_all || random.one_in(4)) {
      kernel_.coverage.count("crash", "write lost");
      continue;
    }
    const std::size_t kept = random.one_in(3) ? random.below(write.bytes.size() + 1) : write.bytes.size();
    kernel_.coverage.count("crash", kept < write.bytes.size() ? "write torn" : "write kept");
    if (contents.size() < write.offset + kept) contents.resize(write.offset + kept);
    contents.replace(write.offset, kept, write.bytes, 0, kept);
  }
  std::ofstream(file.path, std::ios::binary | std::ios::trunc) << contents;
}

}  // namespace streaming::simulation
