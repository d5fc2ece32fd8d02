// SPDX-License-Identifier: Apache-2.0
// The backend `typing` with use_api: types what the backend `openai` answers, with a human's rhythm. For demos.

#pragma once

#include <memory>

#include "backends/registry.h"

namespace streaming {

std::unique_ptr<DirectBackend> make_typed_answer_backend(const BackendEnvironment& environment);

}  // namespace streaming
