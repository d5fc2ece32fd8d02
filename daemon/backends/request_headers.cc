// SPDX-License-Identifier: Apache-2.0
#include "backends/request_headers.h"

#include <string_view>

#include "config/user_agent.h"

namespace streaming {

std::vector<std::string> standing_headers(const Config& config, const ConfiguredHeaders& configured) {
  std::vector<std::string> headers{"User-Agent: " + user_agent(config), "Accept-Encoding: identity"};
  for (const auto& [name, header] : configured) headers.push_back(name + ": " + header.value);
  return headers;
}

std::vector<std::string> event_stream_headers(const HandoffRequest& request, const std::vector<std::string>& standing) {
  std::vector<std::string> headers{"Content-Type: application/json", "Accept: text/event-stream"};
  auto pass_on = [&headers](std::string_view name, std::string_view value) {
    if (!value.empty()) headers.push_back(std::string(name) + ": " + std::string(value));
  };
  pass_on("X-Request-Id", request.request_id);
  pass_on("traceparent", request.traceparent);
  pass_on("X-Test-Pattern", request.test_pattern);
  headers.insert(headers.end(), standing.begin(), standing.end());
  return headers;
}

}  // namespace streaming
