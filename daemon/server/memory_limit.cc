// SPDX-License-Identifier: Apache-2.0
#include "server/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace streaming {
namespace {

constexpr std::uint64_t kPartForRequests = 4;

std::uint64_t memory_of_machine() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// The path in cgroup v2, such as "/system.slice/streaming-daemon.service"; empty if there is none.
std::string control_group(const std::string& root) {
  constexpr std::string_view kUnified = "0::";
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kUnified)) return line.substr(kUnified.size());
  }
  return {};
}

// `most` if the file is missing or contains "max".
std::uint64_t number_in(const std::filesystem::path& path, std::uint64_t most) {
  std::uint64_t number = 0;
  return std::ifstream(path) >> number ? number : most;
}

}  // namespace

std::uint64_t memory_limit(const std::string& root) {
  std::uint64_t limit = memory_of_machine();
  const std::string group = control_group(root);
  if (group.empty()) return limit;
  const std::filesystem::path top = root + "/sys/fs/cgroup";
  for (std::filesystem::path part = group;; part = part.parent_path()) {
    const std::filesystem::path directory = top / part.relative_path();
    limit = std::min({limit, number_in(directory / "memory.high", limit), number_in(directory / "memory.max", limit)});
    if (!part.has_relative_path()) return limit;
  }
}

std::size_t most_held_bytes(const Config& config) {
  if (config.max_held_bytes > 0) return static_cast<std::size_t>(config.max_held_bytes);
  return static_cast<std::size_t>(memory_limit() / kPartForRequests);
}

}  // namespace streaming
