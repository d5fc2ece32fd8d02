// SPDX-License-Identifier: Apache-2.0
// An IP address with the length of its network's prefix. A value. Pure.

#pragma once

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>

namespace socket_handoff {

struct Network {
  using Value = Network;
  static constexpr char kDescription[] = "an IP address or a network, such as 10.0.0.0/8";

  static std::optional<Network> parse(const char* word) {
    char text[INET6_ADDRSTRLEN];
    const char* slash = std::strchr(word, '/');
    const std::size_t length = slash ? static_cast<std::size_t>(slash - word) : std::strlen(word);
    if (length >= sizeof text) return std::nullopt;
    std::memcpy(text, word, length);
    text[length] = '\0';
    Network network;
    const bool is_v4 = ::inet_pton(AF_INET, text, &network.address[12]) == 1;
    if (is_v4) {
      network.address[10] = network.address[11] = 0xff;
    } else if (::inet_pton(AF_INET6, text, network.address.data()) != 1) {
      return std::nullopt;
    }
    const int bits = is_v4 ? 32 : 128;
    const std::optional<int> prefix = slash ? parse_bits(slash + 1, bits) : bits;
    if (!prefix) return std::nullopt;
    network.prefix_bits = 128 - bits + *prefix;
    return network;
  }

  // Whether the other one's address is in this network.
  bool contains(const Network& other) const {
    const auto whole = static_cast<std::size_t>(prefix_bits / 8);
    if (std::memcmp(address.data(), other.address.data(), whole) != 0) return false;
    const int rest = prefix_bits % 8;
    return rest == 0 || ((address[whole] ^ other.address[whole]) >> (8 - rest)) == 0;
  }

  bool operator==(const Network&) const = default;

  std::array<std::uint8_t, 16> address{};  // of IPv6, or of IPv4 in IPv6's mapped form
  int prefix_bits = 128;

 private:
  static std::optional<int> parse_bits(const char* word, int maximum) {
    int bits = 0;
    const char* digit = word;
    for (; *digit >= '0' && *digit <= '9' && bits <= maximum; ++digit) bits = bits * 10 + (*digit - '0');
    if (digit == word || *digit != '\0' || bits > maximum) return std::nullopt;
    return bits;
  }
};

}  // namespace socket_handoff
