#include "upstream/proxy_rules.h"

#include <strings.h>

#include <cstdlib>
#include <initializer_list>

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

}  // namespace

ProxyRules ProxyRules::from_environment() {
  ProxyRules rules;
  const bool for_all = !first_set({"all_proxy", "ALL_PROXY"}).empty();
  rules.for_https_ = for_all || !first_set({"https_proxy", "HTTPS_PROXY"}).empty();
  rules.for_http_ = for_all || !first_set({"http_proxy"}).empty();
  rules.exempt_ = first_set({"no_proxy", "NO_PROXY"});
  return rules;
}

bool ProxyRules::apply_to(const Url& url) const {
  return (url.tls ? for_https_ : for_http_) && !exempt(url.host);
}

bool ProxyRules::exempt(std::string_view host) const {
  if (exempt_ == "*") return true;
  for (std::string_view rest = exempt_; !rest.empty();) {
    const std::size_t end = rest.find_first_of(", ");
    if (matches(host, rest.substr(0, end))) return true;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return false;
}

}  // namespace streaming
