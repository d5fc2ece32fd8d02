// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"

namespace streaming {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 64;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t value = 0; value < kAlphabet.size(); ++value) {
    values[static_cast<unsigned char>(kAlphabet[value])] = value;
  }
  return values;
}();

std::uint8_t value_of(char digit) {
  return kValues[static_cast<unsigned char>(digit)];
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
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

std::optional<std::size_t> base64_decoded_size(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const bool valid = std::all_of(text.begin(), text.end() - static_cast<std::ptrdiff_t>(padding),
                                 [](char digit) { return value_of(digit) != kNoDigit; });
  return valid ? std::optional(text.size() / 4 * 3 - padding) : std::nullopt;
}

std::string decode_base64(std::string_view text) {
  const std::optional<std::size_t> size = base64_decoded_size(text);
  CHECK(size);
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::uint32_t three = 0;
    for (const char digit : text.substr(at, 4)) three = three << 6 | (value_of(digit) & 63);
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(three >> shift & 255);
  }
  bytes.resize(*size);
  return bytes;
}

}  // namespace streaming
