// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648) in the form of data: URLs. Pure.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace streaming {

// The size of `bytes` bytes in base64.
constexpr std::size_t base64_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

void append_base64(std::string& out, std::string_view bytes);

// The size of the bytes that `text` encodes; empty if it is not base64 with padding and without line breaks.
std::optional<std::size_t> base64_decoded_size(std::string_view text);

// The bytes that `text` encodes, which must be base64.
std::string decode_base64(std::string_view text);

}  // namespace streaming
