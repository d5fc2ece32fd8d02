// SPDX-License-Identifier: Apache-2.0
// HeaderField: one line of an HTTP head, and the rules for names and values from peers (RFC 9110, 5). Pure.

#pragma once

#include <string_view>

namespace streaming {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// Whether it is a token: one or more letters, digits and !#$%&'*+-.^_`|~.
bool is_header_name(std::string_view name);

// Whether it has no control characters except tabs, so that it cannot end the line.
bool is_header_value(std::string_view value);

// Whether both names are equal in HTTP, which ignores case.
bool same_header_name(std::string_view left, std::string_view right);

}  // namespace streaming
