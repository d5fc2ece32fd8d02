// SPDX-License-Identifier: Apache-2.0
// ProxyRules: whether a request goes through a proxy, by the usual variables of the environment.
//
// https_proxy, http_proxy (in small letters alone: a CGI's HTTP_PROXY is a client's header), all_proxy, no_proxy. Read
// once, by the client that chooses the engine; they do not change.

#pragma once

#include <string>
#include <string_view>

#include "upstream/url.h"

namespace streaming {

class ProxyRules {
 public:
  static ProxyRules from_environment();

  // As the variable has it; empty: none.
  std::string proxy_for(bool tls, std::string_view host) const;
  bool apply_to(const Url& url) const { return !proxy_for(url.tls, url.host).empty(); }

 private:
  bool exempt(std::string_view host) const;

  std::string for_https_;
  std::string for_http_;
  std::string exempt_;  // no_proxy
};

}  // namespace streaming
