// SPDX-License-Identifier: Apache-2.0
// The User-Agent of requests to APIs. Pure.

#pragma once

#include <string>

#include "config/config.h"

namespace streaming {

// The configured one, otherwise "streaming-daemon/VERSION": some gateways refuse requests without one.
std::string user_agent(const Config& config);

}  // namespace streaming
