// SPDX-License-Identifier: Apache-2.0
#include "top/endpoints.h"

#include <algorithm>

namespace top {

Endpoints endpoints_of(std::string_view url) {
  constexpr std::string_view kMetrics = "/metrics", kStreams = "/streams", kSchemeEnd = "://";
  std::string full(url);
  if (full.find_first_not_of("0123456789") == std::string::npos) full.insert(0, "127.0.0.1:");
  if (full.find(kSchemeEnd) == std::string::npos) full.insert(0, "http://");
  const std::size_t host = full.find(kSchemeEnd) + kSchemeEnd.size();
  const std::size_t path = std::min(full.find('/', host), full.size());
  if (full.size() <= path + 1) full = full.substr(0, path).append(kMetrics);
  const std::size_t last = full.rfind('/');
  return {full.substr(host, path - host), full, full.substr(0, last).append(kStreams)};
}

}  // namespace top
