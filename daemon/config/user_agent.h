// SPDX-License-Identifier: Apache-2.0
// What requests to APIs have as their User-Agent. Pure.

#pragma once

#include <string>

#include "config/config.h"

namespace streaming {

// What is configured, else "streaming-daemon/VERSION": some gateways refuse requests that do not have one.
std::string user_agent(const Config& config);

}  // namespace streaming
