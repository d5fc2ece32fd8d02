// SPDX-License-Identifier: Apache-2.0
// CHECK: for faults that only our own code can cause. It stays on in release builds: a daemon that continued with a
// broken invariant could send one client's answer to another. What a peer can cause is a value (result.h), never a
// CHECK.

#pragma once

namespace streaming {

// Writes the failed condition and its place to stderr and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace streaming

#define CHECK(condition) \
  (__builtin_expect(!(condition), 0) ? ::streaming::check_failed(#condition, __FILE__, __LINE__) : static_cast<void>(0))
