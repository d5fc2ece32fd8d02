// ProxyRules: whether a request goes through a proxy, by the usual variables of the environment.
//
// https_proxy, http_proxy (in small letters alone: a CGI's HTTP_PROXY is a client's header), all_proxy, no_proxy. Which
// proxy it is, libcurl finds out for itself. Read once, by whoever chooses the engine; does not change.

#pragma once

#include <string>

#include "upstream/url.h"

namespace streaming {

class ProxyRules {
 public:
  static ProxyRules from_environment();

  bool apply_to(const Url& url) const;

 private:
  bool exempt(std::string_view host) const;

  bool for_https_ = false;
  bool for_http_ = false;
  std::string exempt_;  // no_proxy
};

}  // namespace streaming
