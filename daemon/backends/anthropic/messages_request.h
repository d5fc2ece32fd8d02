// SPDX-License-Identifier: Apache-2.0
// The body of a request to Anthropic's Messages API. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "handoff/handoff_request.h"

namespace streaming {

// The defaults are for what the hand-off does not name, and the API requires. The system's words come to the top level,
// also from among the messages. Images, calls of tools and their results are written as in Chat Completions and become
// blocks of this API.
std::string messages_request(const HandoffRequest& request, std::string_view default_model,
                             std::int64_t default_max_tokens);

}  // namespace streaming
