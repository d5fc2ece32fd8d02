// SPDX-License-Identifier: Apache-2.0
// Capacity: the number of streams that this process can hold, and each worker's share. Pure, but for the first and the
// last function.

#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

struct Capacity {
  std::vector<std::uint32_t> streams_of_worker;
  // Descriptors of the process that clients, upstream connections and answers that are taken over may take together:
  // HTTP/1.1 needs a connection for each stream. A client whose descriptor has a higher number is refused, and so is one
  // whose answer would be taken over: the kernel assigns the lowest free number, so there are none left.
  int descriptors = 0;
  // Clients per worker, refused ones included, that fit in its ring's table; and clients overall that need descriptors
  // of the process.
  std::uint32_t clients_in_table = 0;
  std::uint64_t clients_of_the_process = 0;

  std::uint64_t streams() const;
  std::uint64_t upstream_connections() const;
};

// Raises the soft limit of open files to the hard one and returns it: neither the process's table nor a ring's can be
// larger.
Result<std::uint64_t> raise_open_files_limit();

// Distributes max_connections, or the number that there is room for, over the workers. Pure. The Error names what to
// raise or lower. `direct_files`: clients are in the rings' tables, and the limit applies to each ring; otherwise it
// applies to the process.
Result<Capacity> plan_capacity(const Config& config, std::uint32_t cpus, std::uint64_t open_files_limit,
                               bool direct_files);

// Makes the process's table of descriptors as large as clients and upstream connections may need. Otherwise the kernel
// doubles it again and again as they come, and each time a thread waits some 10 ms, because all threads use the table.
// `descriptor` is any that is open.
void enlarge_descriptor_table(const Capacity& capacity, int descriptor);

}  // namespace streaming
