// SPDX-License-Identifier: Apache-2.0
// libcurl's reader of URLs, as an object that frees itself.

#pragma once

#include <curl/curl.h>

#include <memory>

#include "base/check.h"

namespace streaming {

struct FreeCurlUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, FreeCurlUrl>;

inline CurlUrl make_curl_url() {
  CurlUrl url(curl_url());
  CHECK(url != nullptr);
  return url;
}

}  // namespace streaming
