// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648), as data: URLs want it. Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace streaming {

// Of so many bytes in base64.
constexpr std::size_t base64_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

void append_base64(std::string& out, std::string_view bytes);

}  // namespace streaming
