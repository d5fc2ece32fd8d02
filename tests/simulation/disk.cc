// SPDX-License-Identifier: Apache-2.0
#include "simulation/disk.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace streaming::simulation {
namespace {

std::int64_t result_of(std::int64_t result) {
  return result >= 0 ? result : -errno;
}

}  // namespace

std::int64_t Disk::draw_delay_ns() {
  if (kernel_.faults.hanging_disk.strikes(kernel_.random)) {
    kernel_.coverage.count("fault", "hanging disk");
    return static_cast<std::int64_t>(kernel_.random.between(1'500'000, 6'000'000)) * kUs;
  }
  return static_cast<std::int64_t>(kernel_.random.between(20, 5000)) * kUs;
}

std::int64_t Disk::open(int directory, const char* path, const open_how& how) {
  if (kernel_.faults.disk_error.strikes(kernel_.random)) return -kernel_.random.pick({EIO, ENOSPC, EMFILE});
  return result_of(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

std::int64_t Disk::read(int fd, std::span<char> room, std::uint64_t offset) {
  if (kernel_.faults.disk_error.strikes(kernel_.random)) return -EIO;
  return result_of(pread(fd, room.data(), room.size(), static_cast<off_t>(offset)));
}

std::int64_t Disk::write(int fd, std::span<const char> bytes, std::uint64_t offset) {
  if (kernel_.faults.disk_error.strikes(kernel_.random)) return -kernel_.random.pick({EIO, ENOSPC});
  if (bytes.size() > 1 && kernel_.faults.short_write.strikes(kernel_.random)) {
    kernel_.coverage.count("fault", "short write");
    bytes = bytes.first(kernel_.random.between(1, bytes.size() - 1));
  }
  return result_of(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
}

std::int64_t Disk::sync(int) {
  return kernel_.faults.disk_error.strikes(kernel_.random) ? -EIO : 0;
}

std::int64_t Disk::status(int fd, struct statx& status) {
  return result_of(statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &status));
}

std::int64_t Disk::remove(int directory, const char* path) {
  if (kernel_.faults.disk_error.strikes(kernel_.random)) return -EIO;
  return result_of(unlinkat(directory, path, 0));
}

}  // namespace streaming::simulation
