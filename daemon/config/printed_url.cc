// SPDX-License-Identifier: Apache-2.0
#include "config/printed_url.h"

#include <algorithm>

namespace streaming {
namespace {

constexpr std::string_view kHidden = "***";
constexpr std::string_view kHarmless = "api-version";  // Azure's URLs all have it

// "NAME=VALUE&NAME=VALUE".
std::string printed_query(std::string_view query) {
  std::string printed;
  while (true) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view field = query.substr(0, end);
    const std::size_t equals = field.find('=');
    const bool harmless = equals == std::string_view::npos || field.substr(0, equals) == kHarmless;
    printed.append(harmless ? field : field.substr(0, equals + 1)).append(harmless ? "" : kHidden);
    if (end == query.size()) return printed;
    printed += '&';
    query.remove_prefix(end + 1);
  }
}

}  // namespace

std::string printed_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t authority_end = std::min(url.find_first_of("/?#", authority), url.size());
  std::string printed(url.substr(0, authority));
  std::string_view rest = url.substr(authority);
  if (const std::size_t at = rest.substr(0, authority_end - authority).rfind('@'); at != std::string_view::npos) {
    printed += kHidden;
    rest.remove_prefix(at);
  }
  const std::size_t question = std::min(rest.find('?'), rest.size());
  printed += rest.substr(0, question);
  if (question == rest.size()) return printed;
  return printed + '?' + printed_query(rest.substr(question + 1));
}

}  // namespace streaming
