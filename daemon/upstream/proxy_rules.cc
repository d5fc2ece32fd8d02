// SPDX-License-Identifier: Apache-2.0
#include "upstream/proxy_rules.h"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <utility>

namespace streaming {
namespace {

std::string first_set(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

bool same_letters(std::string_view left, std::string_view right) {
  return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

// "example.org" and ".example.org" are that host and all below it.
bool matches(std::string_view host, std::string_view pattern) {
  while (pattern.starts_with('.')) pattern.remove_prefix(1);
  if (pattern.empty() || host.size() < pattern.size()) return false;
  if (!same_letters(host.substr(host.size() - pattern.size()), pattern)) return false;
  return host.size() == pattern.size() || host[host.size() - pattern.size() - 1] == '.';
}

// Whether the host is an address in the network that the pattern is ("192.0.2.0/24").
bool is_within(std::string_view host, std::string_view pattern) {
  const std::size_t slash = pattern.find('/');
  if (slash == std::string_view::npos) return false;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(pattern.data() + slash + 1, pattern.data() + pattern.size(), bits);
  if (error != std::errc{} || end != pattern.data() + pattern.size()) return false;
  for (const auto& [family, size] : {std::pair{AF_INET, 4u}, std::pair{AF_INET6, 16u}}) {
    unsigned char address[16], network[16];
    if (inet_pton(family, std::string(host).c_str(), address) != 1 ||
        inet_pton(family, std::string(pattern.substr(0, slash)).c_str(), network) != 1) {
      continue;
    }
    const unsigned whole = std::min(bits / 8, size);
    const unsigned mask = bits < 8 * size ? 0xff00u >> bits % 8 & 0xff : 0;
    return std::equal(address, address + whole, network) &&
           (mask == 0 || (address[whole] & mask) == (network[whole] & mask));
  }
  return false;
}

}  // namespace

ProxyRules ProxyRules::from_environment() {
  ProxyRules rules;
  rules.for_https_ = first_set({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  rules.for_http_ = first_set({"http_proxy", "all_proxy", "ALL_PROXY"});
  rules.exempt_ = first_set({"no_proxy", "NO_PROXY"});
  return rules;
}

std::string ProxyRules::proxy_for(bool tls, std::string_view host) const {
  return exempt(host) ? std::string() : tls ? for_https_ : for_http_;
}

bool ProxyRules::exempt(std::string_view host) const {
  if (exempt_ == "*") return true;
  for (std::string_view rest = exempt_; !rest.empty();) {
    const std::size_t end = rest.find_first_of(", ");
    const std::string_view pattern = rest.substr(0, end);
    if (matches(host, pattern) || is_within(host, pattern)) return true;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return false;
}

}  // namespace streaming
