#include "server/capacity.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <string>

#include "base/limits.h"

namespace streaming {

std::uint64_t Capacity::streams() const {
  return std::accumulate(streams_of_worker.begin(), streams_of_worker.end(), std::uint64_t{0});
}

Result<std::uint64_t> raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return Error::from_errno("cannot read the limit of open files", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return Error::from_errno("cannot raise the limit of open files", errno);
  return std::uint64_t{limit.rlim_cur};
}

Result<Capacity> plan_capacity(const Config& config, std::uint32_t cpus, std::uint64_t open_files_limit,
                               bool direct_files) {
  // The kernel takes tables of up to a million files.
  constexpr std::uint64_t kMaxRingFiles = 1u << 20;
  constexpr std::uint64_t kReserved = kMaxHandoffConnections + kMaxRefusals;
  const std::uint64_t workers = config.workers > 0 ? static_cast<std::uint64_t>(config.workers) : std::max(1u, cpus);
  const std::uint64_t files = direct_files ? std::min(open_files_limit, kMaxRingFiles) * workers : open_files_limit;
  const std::uint64_t reserved = kReserved * workers + (direct_files ? 0 : kProcessFiles);
  if (files <= reserved) {
    return Error{"the limit of open files is " + std::to_string(open_files_limit) + ", and " + std::to_string(workers) +
                 " workers need more than " + std::to_string(direct_files ? kReserved : reserved) +
                 "; raise it (ulimit -Hn, LimitNOFILE=)"};
  }
  const std::uint64_t room = files - reserved;
  std::uint64_t wanted = static_cast<std::uint64_t>(config.max_connections);
  if (wanted == 0) wanted = std::min<std::uint64_t>(room, kDefaultMaxConnections);
  if (wanted > room) {
    return Error{"max_connections is " + std::to_string(wanted) + ", but " + std::to_string(workers) +
                 " workers have room for " + std::to_string(room) + " streams under a limit of " +
                 std::to_string(open_files_limit) +
                 " open files; lower it, add workers, or raise the limit (ulimit -Hn, LimitNOFILE=)"};
  }
  Capacity capacity;
  capacity.descriptors = static_cast<int>(std::min(open_files_limit, kMaxRingFiles) - kProcessFiles);
  for (std::uint64_t worker = 0; worker < workers; ++worker) {
    capacity.streams_of_worker.push_back(
        static_cast<std::uint32_t>(wanted / workers + (worker < wanted % workers ? 1 : 0)));
  }
  return capacity;
}

}  // namespace streaming
