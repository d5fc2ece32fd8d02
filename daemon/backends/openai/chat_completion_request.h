// SPDX-License-Identifier: Apache-2.0
// The body of a request to OpenAI's Chat Completions. Pure.

#pragma once

#include <string>
#include <string_view>

#include "handoff/handoff_request.h"

namespace streaming {

// The request's body; `default_model` if the hand-off names none.
std::string chat_completion_request(const HandoffRequest& request, std::string_view default_model);

}  // namespace streaming
