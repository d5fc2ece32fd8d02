// SPDX-License-Identifier: Apache-2.0
// Checks for what only our own code can get wrong. They stay on in release builds: a daemon that goes on with a broken
// invariant would write one client's answer to another. What a peer can cause is a value (result.h), never a check.

#pragma once

namespace streaming {

// Logs the failed condition with its place to stderr and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace streaming

#define CHECK(condition) \
  (__builtin_expect(!(condition), 0) ? ::streaming::check_failed(#condition, __FILE__, __LINE__) : static_cast<void>(0))
