// SPDX-License-Identifier: Apache-2.0
#include "server/capacity.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <string>

#include "base/unique_fd.h"
#include "handoff/limits.h"
#include "server/limits.h"
#include "stream/limits.h"

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

std::uint64_t Capacity::upstream_connections() const {
  return static_cast<std::uint64_t>(descriptors) -
         std::min(static_cast<std::uint64_t>(descriptors), clients_of_the_process);
}

// With direct files each worker can have as many streams as its ring's table has slots. Apache's connections take some
// of these; the clients that they displace become descriptors of the process, while there is room. By default the
// daemon does not count on that, so that the process's table is free for upstream connections.
Result<Capacity> plan_capacity(const Config& config, std::uint32_t cpus, std::uint64_t open_files_limit,
                               bool direct_files) {
  // The kernel takes tables of up to a million files.
  constexpr std::uint64_t kMaxFiles = 1u << 20;
  constexpr std::uint64_t kReserved = kMaxHandoffConnections + kMaxRefusals;
  const std::uint64_t workers = config.workers > 0 ? static_cast<std::uint64_t>(config.workers) : std::max(1u, cpus);
  const std::uint64_t table = std::min(open_files_limit, kMaxFiles);
  const std::uint64_t needed = direct_files ? kReserved : kReserved * workers + kProcessFiles;
  if (table <= needed) {
    return Error{"the limit of open files is " + std::to_string(open_files_limit) + ", and " + std::to_string(workers) +
                 " workers need more than " + std::to_string(needed) + "; raise it (ulimit -Hn, LimitNOFILE=)"};
  }
  const std::uint64_t in_tables = direct_files ? (table - kReserved) * workers : 0;
  // The process's own descriptors may have numbers below and above those of its clients.
  const std::uint64_t in_process =
      direct_files ? std::min(kReserved * workers, table - std::min(table, 2 * kProcessFiles)) : table - needed;
  const std::uint64_t room = in_tables + in_process;
  std::uint64_t wanted = static_cast<std::uint64_t>(config.max_connections);
  if (wanted == 0) wanted = std::min<std::uint64_t>(direct_files ? in_tables : in_process, kDefaultMaxConnections);
  if (wanted > room) {
    return Error{"max_connections is " + std::to_string(wanted) + ", but " + std::to_string(workers) +
                 " workers have room for " + std::to_string(room) + " streams under a limit of " +
                 std::to_string(open_files_limit) +
                 " open files; lower it, " + (direct_files ? "add" : "use fewer") +
                 " workers, or raise the limit (ulimit -Hn, LimitNOFILE=)"};
  }
  Capacity capacity;
  capacity.clients_in_table = direct_files ? static_cast<std::uint32_t>(table - kMaxHandoffConnections) : 0;
  capacity.clients_of_the_process = wanted - std::min(wanted, in_tables);
  capacity.descriptors = static_cast<int>(table - kProcessFiles);
  for (std::uint64_t worker = 0; worker < workers; ++worker) {
    capacity.streams_of_worker.push_back(
        static_cast<std::uint32_t>(wanted / workers + (worker < wanted % workers ? 1 : 0)));
  }
  return capacity;
}

// The table never shrinks. If there is no memory for it now, it grows later.
void enlarge_descriptor_table(const Capacity& capacity, int descriptor) {
  const std::uint64_t most = capacity.clients_of_the_process + capacity.streams() + kProcessFiles;
  const auto last = static_cast<int>(std::min(most, static_cast<std::uint64_t>(capacity.descriptors))) - 1;
  const UniqueFd enlarges(fcntl(descriptor, F_DUPFD_CLOEXEC, last));
}

}  // namespace streaming
