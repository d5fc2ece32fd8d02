// SPDX-License-Identifier: Apache-2.0
#include "upstream/url.h"

#include <charconv>

namespace streaming {
namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool parse_authority(Url& url) {
  std::string_view rest = url.authority;
  if (take_prefix(rest, "[")) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return false;
    url.host = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  } else {
    url.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(url.host.size());
  }
  if (url.host.empty()) return false;
  return rest.empty() || (take_prefix(rest, ":") && parse_port(rest, url.port));
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (take_prefix(text, "https://")) {
    url.tls = true;
    url.port = 443;
  } else if (take_prefix(text, "http://")) {
    url.port = 80;
  } else {
    return std::nullopt;
  }
  for (const char character : text) {
    if (static_cast<unsigned char>(character) <= ' ' || character == '\x7f') return std::nullopt;
  }
  text = text.substr(0, text.find('#'));
  const std::size_t path = text.find_first_of("/?");
  url.authority = text.substr(0, path);
  url.path = path == std::string_view::npos ? "/" : text.substr(path);
  if (url.path.front() != '/' || url.authority.find('@') != std::string_view::npos) return std::nullopt;
  if (!parse_authority(url)) return std::nullopt;
  return url;
}

}  // namespace streaming
