// SPDX-License-Identifier: Apache-2.0
// HostileTlsClient: a client that has the connection's true keys, and seals whatever it likes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "protocol/connection_part.h"
#include "protocol/tls_key_schedule.h"
#include "tls/tls_ciphers.h"

namespace streaming {

class HostileTlsClient {
 public:
  explicit HostileTlsClient(const handoff_protocol::TlsState& state) : state_(state) {}

  // A record of this type, for TLS 1.3 with padding.
  std::string record(int type, std::string_view text, std::size_t padding = 0) {
    if (!is_13()) return sealed(type, text);
    return inner_text(std::string(text) + static_cast<char>(type) + std::string(padding, '\0'));
  }
  // TLS 1.3: what a record protects, with or without a type.
  std::string inner_text(std::string_view inner) { return sealed(23, inner); }

  static std::string header(int type, std::size_t bytes) {
    return {static_cast<char>(type), 3, 3, static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
  }

  // Behind a KeyUpdate.
  void update_keys() { CHECK(handoff_protocol::update_traffic_keys(state_.aead, state_.from_client)); }

 private:
  bool is_13() const { return state_.version == handoff_protocol::TlsVersion::k13; }

  std::string sealed(int type, std::string_view inner) {
    const bool has_explicit_nonce = !is_13() && state_.aead != handoff_protocol::Aead::kChaCha20Poly1305;
    std::string number(8, '\0');
    for (int i = 0; i < 8; ++i) number[i] = static_cast<char>(state_.from_client.sequence >> (56 - 8 * i));
    ++state_.from_client.sequence;
    RecordProtection protection{state_.from_client.iv, {}};
    for (int i = 0; i < 8; ++i) {
      if (has_explicit_nonce) protection.nonce[4 + i] = 0;
      protection.nonce[4 + i] ^= static_cast<std::uint8_t>(number[i]);
    }
    std::string record = header(type, inner.size() + TlsCiphers::kTagBytes + (has_explicit_nonce ? 8 : 0));
    const std::string additional = is_13() ? record : number + header(type, inner.size());
    protection.additional = {reinterpret_cast<const std::uint8_t*>(additional.data()), additional.size()};
    if (has_explicit_nonce) record += number;
    const std::size_t start = record.size();
    record.resize(start + inner.size() + TlsCiphers::kTagBytes);
    CHECK(ciphers_.seal(state_.aead, state_.from_client, protection, inner, "", record.data() + start));
    return record;
  }

  handoff_protocol::TlsState state_;
  TlsCiphers ciphers_;
};

}  // namespace streaming
