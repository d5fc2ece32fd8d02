// SPDX-License-Identifier: Apache-2.0
// The kernel's figures about another process: its CPU time, resident memory and threads.
//
// The parent reads them, on a core where it does not disturb the measurement.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace streaming::bench {

// User and system time of all threads, including those that have ended.
Result<std::int64_t> cpu_ns(pid_t pid);

// Exact if smaps_rollup is readable; otherwise from statm, whose sums the kernel keeps coarsely.
Result<std::int64_t> resident_kb(pid_t pid);

Result<std::int64_t> thread_count(pid_t pid);

// The number after `name` at the beginning of a line of a /proc file: "Rss: 1234 kB" is 1234; -1 if there is none.
// Pure.
std::int64_t field_of(std::string_view text, std::string_view name);

}  // namespace streaming::bench
