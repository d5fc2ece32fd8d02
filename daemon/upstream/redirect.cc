// SPDX-License-Identifier: Apache-2.0
#include "upstream/redirect.h"

#include "upstream/curl_url.h"
#include "upstream/url.h"

namespace streaming {
namespace {

constexpr int kTemporaryRedirect = 307;
constexpr int kPermanentRedirect = 308;

// What the reference leads to, without a fragment; empty where it is none (RFC 3986, 5).
std::string resolved(const std::string& base, const std::string& reference) {
  const CurlUrl url = make_curl_url();
  char* text = nullptr;
  const bool valid = curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) == CURLUE_OK &&
                     curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) == CURLUE_OK &&
                     curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0) == CURLUE_OK &&
                     curl_url_get(url.get(), CURLUPART_URL, &text, 0) == CURLUE_OK;
  if (!valid) return {};
  std::string target(text);
  curl_free(text);
  return target;
}

}  // namespace

std::optional<std::string> redirect_target(const std::string& url, int status, const std::string& location) {
  if ((status != kTemporaryRedirect && status != kPermanentRedirect) || location.empty()) return std::nullopt;
  std::string target = resolved(url, location);
  const std::optional<Url> from = parse_url(url);
  const std::optional<Url> to = parse_url(target);
  const bool same_origin = from && to && from->tls == to->tls && from->host == to->host && from->port == to->port;
  return same_origin ? std::optional(std::move(target)) : std::nullopt;
}

}  // namespace streaming
