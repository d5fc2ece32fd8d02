// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256 (RFC 2104), by OpenSSL. Pure; any thread.

#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace streaming {

using HmacSha256 = std::array<char, 32>;

// Of the parts together, in their order. Nothing if OpenSSL has no memory.
std::optional<HmacSha256> hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts);

}  // namespace streaming
