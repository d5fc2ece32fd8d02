// SPDX-License-Identifier: Apache-2.0
#include "upstream/curl_routes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "upstream/curl_url.h"
#include "upstream/resolver.h"

namespace streaming {
namespace {

// Scheme and authority.
std::string_view server_of(std::string_view url) {
  constexpr std::string_view kAuthority = "://";
  const std::size_t scheme = url.find(kAuthority);
  if (scheme == std::string_view::npos) return url;
  return url.substr(0, url.find_first_of("/?#", scheme + kAuthority.size()));
}

// Empty where there is none.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

// Without the brackets of an IPv6 address.
std::string host_of(CURLU* url) {
  std::string host = part_of(url, CURLUPART_HOST, 0);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host;
}

// SOCKS proxies can find hosts themselves, which spares the daemon a second name.
std::string with_names_left_to_it(std::string proxy) {
  for (const auto& [written, meant] : {std::pair{"socks5://", "socks5h://"}, std::pair{"socks4://", "socks4a://"}}) {
    if (proxy.starts_with(written)) return proxy.replace(0, std::char_traits<char>::length(written), meant);
  }
  return proxy;
}

void set_host(CurlRoute& route, CURLU* url, unsigned flags, std::uint16_t default_port) {
  const std::string host = host_of(url);
  const std::string port = part_of(url, CURLUPART_PORT, flags);
  if (host.empty() || literal_address(host)) return;
  route.host = host;
  route.port = port.empty() ? default_port : static_cast<std::uint16_t>(std::stoul(port));
}

std::optional<CurlRoute> make_route(const std::string& server, const ProxyRules& proxies) {
  const CurlUrl url = make_curl_url();
  if (curl_url_set(url.get(), CURLUPART_URL, server.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const bool tls = part_of(url.get(), CURLUPART_SCHEME, 0) == "https";
  CurlRoute route{.proxy = with_names_left_to_it(proxies.proxy_for(tls, host_of(url.get()))), .host = {}};
  if (route.proxy.empty()) {
    set_host(route, url.get(), CURLU_DEFAULT_PORT, 0);
    return route;
  }
  constexpr std::uint16_t kProxyPort = 1080;  // libcurl's, as the next one
  constexpr std::uint16_t kHttpsProxyPort = 443;
  const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME;
  const CurlUrl proxy = make_curl_url();
  if (curl_url_set(proxy.get(), CURLUPART_URL, route.proxy.c_str(), flags) == CURLUE_OK) {
    const bool to_tls = part_of(proxy.get(), CURLUPART_SCHEME, 0) == "https";
    set_host(route, proxy.get(), 0, to_tls ? kHttpsProxyPort : kProxyPort);
  }
  return route;
}

}  // namespace

const CurlRoute* CurlRoutes::find(std::string_view url) {
  const std::string_view server = server_of(url);
  if (const auto known = routes_.find(server); known != routes_.end()) return &known->second;
  std::optional<CurlRoute> route = make_route(std::string(server), proxies_);
  if (!route) return nullptr;
  if (routes_.size() == kMaxKnownRoutes) routes_.clear();
  return &routes_.emplace(server, std::move(*route)).first->second;
}

}  // namespace streaming
