// SPDX-License-Identifier: Apache-2.0
// The backend `langgraph`: runs of a LangGraph server's graphs, with or without a thread that remembers.

#pragma once

#include <memory>

#include "backends/registry.h"

namespace streaming {

std::unique_ptr<DirectBackend> make_langgraph_backend(const BackendEnvironment& environment);

}  // namespace streaming
