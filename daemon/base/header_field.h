// SPDX-License-Identifier: Apache-2.0
// One line of an HTTP head, and the rules by which a peer's words may become one (RFC 9110, 5). Pure.

#pragma once

#include <string_view>

namespace streaming {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// A token: letters, digits and !#$%&'*+-.^_`|~, at least one.
bool is_header_name(std::string_view name);

// No control characters but the tab: nothing that would end the line.
bool is_header_value(std::string_view value);

// Whether both names are the same to HTTP: letters of either case.
bool same_header_name(std::string_view left, std::string_view right);

}  // namespace streaming
