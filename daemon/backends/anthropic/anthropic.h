// SPDX-License-Identifier: Apache-2.0
// The backend `anthropic`: Anthropic's Messages API.

#pragma once

#include "backends/registry.h"

namespace streaming {

std::unique_ptr<DirectBackend> make_anthropic_backend(const BackendEnvironment& environment);

}  // namespace streaming
