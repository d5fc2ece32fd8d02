// SPDX-License-Identifier: Apache-2.0
// How much memory the daemon may have, and how much of it what requests hold.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/config.h"

namespace streaming {

// The machine's memory, or less if the process's control group, or one above it, has less (memory.high, memory.max of
// cgroup v2). `root` is the directory that /proc and /sys/fs/cgroup are in.
std::uint64_t memory_limit(const std::string& root = "");

// What server.max_held_bytes comes to. Waiting requests are a part of what a daemon holds: the other parts are its
// streams, what slow clients have not taken, and the kernel's buffers for connections.
std::size_t most_held_bytes(const Config& config);

}  // namespace streaming
