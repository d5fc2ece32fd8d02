// SPDX-License-Identifier: Apache-2.0
// How long a test waits for a condition. It is reached only if a test fails, and is long enough for a busy machine.

#pragma once

#include <chrono>

namespace streaming {

inline constexpr std::chrono::seconds kPatience{60};

}  // namespace streaming
