// SPDX-License-Identifier: Apache-2.0
// What the kernel says of another process: its CPU time, resident memory and threads.
//
// Read by the parent, on a core where it does not disturb what is measured.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace streaming::bench {

// User and system, of all threads, those that have ended too.
Result<std::int64_t> cpu_ns(pid_t pid);

// Exact where smaps_rollup may be read; else statm, which the kernel adds up coarsely.
Result<std::int64_t> resident_kb(pid_t pid);

Result<std::int64_t> thread_count(pid_t pid);

// The number behind `name` at the beginning of a line of a /proc file: "Rss:   1234 kB" is 1234. Pure; -1: not there.
std::int64_t field_of(std::string_view text, std::string_view name);

}  // namespace streaming::bench
