// SPDX-License-Identifier: Apache-2.0
// How long a test waits for what must come: met only where a test fails, and long enough for a machine with much else to do.

#pragma once

#include <chrono>

namespace streaming {

inline constexpr std::chrono::seconds kPatience{60};

}  // namespace streaming
