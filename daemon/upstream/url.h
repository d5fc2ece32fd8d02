// SPDX-License-Identifier: Apache-2.0
// Url: what an engine needs of an http or https URL. Pure; views into the text.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace streaming {

struct Url {
  bool tls = false;
  std::string_view host;       // without brackets
  std::uint16_t port = 0;      // the scheme's, if there is none
  std::string_view authority;  // host and port as they were written
  std::string_view path;       // with the query; never empty
};

// Nothing for what an HTTP/2 request could not be made of: another scheme, a user's name, no host, a bad port.
std::optional<Url> parse_url(std::string_view text);

}  // namespace streaming
