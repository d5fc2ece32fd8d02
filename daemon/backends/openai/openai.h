// SPDX-License-Identifier: Apache-2.0
// The backend `openai`: Chat Completions of any server that speaks OpenAI's API.

#pragma once

#include <memory>

#include "backends/registry.h"

namespace streaming {

std::unique_ptr<DirectBackend> make_openai_backend(const BackendEnvironment& environment);

}  // namespace streaming
