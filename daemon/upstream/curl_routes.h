// SPDX-License-Identifier: Apache-2.0
// CurlRoutes: the way to a URL's server, as libcurl is told it, found out once for each server.
//
// One per CurlClient, on its thread. Proxy rules do not change, and which of a name's addresses are good is the
// resolver's: a route is good for as long as it is remembered.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "upstream/proxy_rules.h"

namespace streaming {

// Servers of which a client remembers the way. Over it: all are forgotten.
inline constexpr std::size_t kMaxKnownRoutes = 256;

struct CurlRoute {
  std::string proxy;       // empty: none
  std::string host;        // the name that is connected to, the server's or its proxy's; empty: an address
  std::uint16_t port = 0;  // of that name
};

class CurlRoutes {
 public:
  // Borrows the rules.
  explicit CurlRoutes(const ProxyRules& proxies) : proxies_(proxies) {}

  // Valid until the next call. Null for a URL that libcurl does not take, which it explains itself.
  const CurlRoute* find(std::string_view url);

 private:
  const ProxyRules& proxies_;
  std::map<std::string, CurlRoute, std::less<>> routes_;  // by scheme and authority
};

}  // namespace streaming
