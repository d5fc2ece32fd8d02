// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/backend_url.h"

#include <strings.h>

namespace socket_handoff {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

bool is_same(std::string_view text, std::string_view other) {
  return text.size() == other.size() && ::strncasecmp(text.data(), other.data(), text.size()) == 0;
}

std::string_view up_to(std::string_view text, std::string_view delimiters) {
  const std::size_t end = text.find_first_of(delimiters);
  return end == std::string_view::npos ? text : std::string_view(text.data(), end);
}

bool is_loopback_address(std::string_view host) {
  // An address, not a name such as 127.example.org.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

BackendUrl::BackendUrl(std::string_view url) {
  if (is_same({url.data(), url.size() < kUnixPrefix.size() ? 0 : kUnixPrefix.size()}, kUnixPrefix)) {
    const std::size_t bar = url.find('|');
    if (bar == std::string_view::npos) return;
    has_unix_socket_ = true;
    url.remove_prefix(bar + 1);
  }
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return;
  scheme_ = {url.data(), colon};
  url.remove_prefix(colon + 3);
  std::string_view authority = up_to(url, "/?#");
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  const bool is_in_brackets = authority.starts_with('[');
  if (is_in_brackets) authority.remove_prefix(1);
  host_ = up_to(authority, is_in_brackets ? "]" : ":");
}

bool BackendUrl::runs_applications() const {
  return is_same(scheme_, "fcgi") || is_same(scheme_, "scgi") || is_same(scheme_, "uwsgi");
}

bool BackendUrl::is_on_this_host() const {
  return has_unix_socket_ || is_same(host_, "localhost") || is_same(host_, "::1") || is_loopback_address(host_);
}

}  // namespace socket_handoff
