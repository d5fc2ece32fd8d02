// SPDX-License-Identifier: Apache-2.0
// The body of a request to OpenAI's Responses API. Pure.

#pragma once

#include <string>
#include <string_view>

#include "handoff/handoff_request.h"

namespace streaming {

// `default_model` if the hand-off names none. Texts, images, calls of tools and their results are written as in
// Chat Completions and become what they are called here.
std::string responses_request(const HandoffRequest& request, std::string_view default_model);

}  // namespace streaming
