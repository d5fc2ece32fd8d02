// SPDX-License-Identifier: Apache-2.0
// The backend `hold`: keeps its clients and never answers; they get the head and heartbeats. For benchmarks of streams
// that wait.

#pragma once

#include <memory>

#include "backends/registry.h"

namespace streaming {

std::unique_ptr<DirectBackend> make_hold_backend(const BackendEnvironment& environment);

}  // namespace streaming
