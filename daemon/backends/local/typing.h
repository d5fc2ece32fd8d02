// SPDX-License-Identifier: Apache-2.0
// The backend `typing`: one character after the other with a human's rhythm, without any upstream unless it is to use an
// API (backends/local/typed_answer.h). For demos.

#pragma once

#include <memory>

#include "backends/registry.h"

namespace streaming {

std::unique_ptr<DirectBackend> make_typing_backend(const BackendEnvironment& environment);

}  // namespace streaming
