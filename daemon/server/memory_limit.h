// SPDX-License-Identifier: Apache-2.0
// Limits of memory: the whole daemon's, and the part that requests may hold.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/config.h"

namespace streaming {

// The machine's memory, or less if the process's control group, or one above it, has less (memory.high, memory.max of
// cgroup v2). `root` is the directory that /proc and /sys/fs/cgroup are in.
std::uint64_t memory_limit(const std::string& root = "");

// The effective server.max_held_bytes. Waiting requests are only a part of a daemon's memory. The others are its
// streams, the text that slow clients have not read, and the kernel's buffers for connections.
std::size_t most_held_bytes(const Config& config);

}  // namespace streaming
