// SPDX-License-Identifier: Apache-2.0
// The headers of a backend's requests to its API.

#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "handoff/handoff_request.h"

namespace streaming {

// Those of all its requests: the user agent, that the answer must not be compressed, and what is configured.
std::vector<std::string> standing_headers(const Config& config, const ConfiguredHeaders& configured);

// Those of a request that an event stream answers: the types of what it sends and takes, what the hand-off passes on,
// and then `standing`.
std::vector<std::string> event_stream_headers(const HandoffRequest& request, const std::vector<std::string>& standing);

}  // namespace streaming
