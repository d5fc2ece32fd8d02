// SPDX-License-Identifier: Apache-2.0
// HmacSha256Key: signs by HMAC-SHA-256 (RFC 2104), by OpenSSL. Several threads may use one.

#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>

struct evp_mac_ctx_st;

namespace streaming {

using HmacSha256 = std::array<char, 32>;

class HmacSha256Key {
 public:
  // If OpenSSL has no memory, it signs nothing.
  explicit HmacSha256Key(std::string_view key);

  // Of the parts together, in their order. Nothing if OpenSSL has no memory.
  std::optional<HmacSha256> sign(std::initializer_list<std::string_view> parts) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_mac_ctx_st, Free>;

  // Has taken the key. A copy of it signs a message, because to fetch the algorithm and to take the key cost as much as
  // a quarter of a KiB. OpenSSL wipes it.
  Context keyed_;
};

}  // namespace streaming
