// SPDX-License-Identifier: Apache-2.0
// The backend `mock`: eighteen pieces of text at a steady pace, without any upstream. For tests, demos and benchmarks.

#pragma once

#include <memory>

#include "backends/registry.h"

namespace streaming {

inline constexpr int kMockEvents = 18;

std::unique_ptr<DirectBackend> make_mock_backend(const BackendEnvironment& environment);

}  // namespace streaming
