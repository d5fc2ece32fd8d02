// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648), as data: URLs want it. Pure.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace streaming {

// Of so many bytes in base64.
constexpr std::size_t base64_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

void append_base64(std::string& out, std::string_view bytes);

// The size of what `text` encodes; nothing where it is not base64, padded and without line breaks.
std::optional<std::size_t> base64_decoded_size(std::string_view text);

// What `text` encodes, which must be base64.
std::string decode_base64(std::string_view text);

}  // namespace streaming
