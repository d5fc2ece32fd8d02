// SPDX-License-Identifier: Apache-2.0
#include "config/user_agent.h"

namespace streaming {

std::string user_agent(const Config& config) {
  return config.backend_user_agent.empty() ? "streaming-daemon/" STREAMING_DAEMON_VERSION : config.backend_user_agent;
}

}  // namespace streaming
