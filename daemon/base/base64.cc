// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <cstddef>
#include <cstdint>

namespace streaming {

void append_base64(std::string& out, std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t begin = out.size();
  out.resize(begin + base64_size(bytes.size()), '=');
  char* to = out.data() + begin;
  const auto byte = [bytes](std::size_t at) -> std::uint32_t {
    return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
  };
  for (std::size_t at = 0; at < bytes.size(); at += 3, to += 4) {
    const std::uint32_t three = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    to[0] = kAlphabet[three >> 18];
    to[1] = kAlphabet[three >> 12 & 63];
    if (at + 1 < bytes.size()) to[2] = kAlphabet[three >> 6 & 63];
    if (at + 2 < bytes.size()) to[3] = kAlphabet[three & 63];
  }
}

}  // namespace streaming
