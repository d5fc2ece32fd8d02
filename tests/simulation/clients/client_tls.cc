// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/client_tls.h"

#include <array>
#include <span>

#include "base/check.h"
#include "protocol/tls_key_schedule.h"
#include "tls/limits.h"

namespace streaming::simulation {

using handoff_protocol::Aead;
using handoff_protocol::TlsDirection;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;

namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kExplicitNonceBytes = 8;

template <std::size_t size>
void fill(std::array<std::uint8_t, size>& bytes, std::size_t used, Random& random) {
  for (std::size_t i = 0; i < used; ++i) bytes[i] = static_cast<std::uint8_t>(random.next());
}

// Sometimes so many records that a key's last one is near.
std::uint64_t draw_sequence(Random& random) {
  if (random.one_in(16)) return kMaxRecordsPerKey - random.below(8);
  return random.one_in(2) ? random.below(4) : random.below(kMaxRecordsPerKey / 2);
}

}  // namespace

TlsState ClientTls::draw_state(Random& random) {
  TlsState state;
  state.version = random.pick({TlsVersion::k12, TlsVersion::k13});
  state.aead = random.pick({Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305});
  for (TlsDirection* direction : {&state.from_client, &state.to_client}) {
    fill(direction->key, key_bytes(state.aead), random);
    fill(direction->iv, iv_bytes(state.version, state.aead), random);
    fill(direction->secret, secret_bytes(state.version, state.aead), random);
    if (state.version == TlsVersion::k13) CHECK(derive_traffic_keys(state.aead, *direction));
    direction->sequence = draw_sequence(random);
  }
  return state;
}

ClientTls::ClientTls(Random& random)
    : state_(draw_state(random)),
      to_client_(state_.to_client),
      sealer_(state_),
      next_explicit_nonce_(to_client_.sequence),
      runs_out_(!is_13() && to_client_.sequence > kMaxRecordsPerKey / 2) {
}

bool ClientTls::has_explicit_nonce() const {
  return iv_bytes(state_.version, state_.aead) < 12;
}

std::size_t ClientTls::overhead() const {
  return TlsCiphers::kTagBytes + (has_explicit_nonce() ? kExplicitNonceBytes : 0) + (is_13() ? 1 : 0);
}

void ClientTls::complain(const std::string& what) {
  if (problem_.empty()) problem_ = "TLS: " + what;
}

std::string ClientTls::open(std::string_view bytes) {
  std::string text;
  incomplete_ += bytes;
  while (problem_.empty() && incomplete_.size() >= kHeaderBytes) {
    const auto length =
        std::size_t{static_cast<std::uint8_t>(incomplete_[3])} << 8 | static_cast<std::uint8_t>(incomplete_[4]);
    if (length < overhead() || length > kMaxRecordText + overhead())
      complain("a record of " + std::to_string(length) + " bytes");
    if (!incomplete_.substr(1).starts_with("\3\3")) complain("a record of another version");
    if (!problem_.empty() || incomplete_.size() < kHeaderBytes + length) break;
    std::string record = incomplete_.substr(0, kHeaderBytes + length);
    incomplete_.erase(0, record.size());
    if (has_clean_end_ || has_fatal_alert_) complain("a record behind the end");
    take_record(std::move(record), text);
  }
  return text;
}

void ClientTls::take_record(std::string record, std::string& text) {
  std::array<std::uint8_t, 8> number;
  for (std::size_t i = 0; i < 8; ++i) number[i] = static_cast<std::uint8_t>(to_client_.sequence >> (56 - 8 * i));
  ++to_client_.sequence;
  RecordProtection protection{to_client_.iv, {}};
  std::size_t begin = kHeaderBytes;
  if (has_explicit_nonce()) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kExplicitNonceBytes; ++i, ++begin) {
      protection.nonce[4 + i] = static_cast<std::uint8_t>(record[begin]);
      value = value << 8 | protection.nonce[4 + i];
    }
    if (value < next_explicit_nonce_) complain("an explicit nonce that may have been used");
    next_explicit_nonce_ = value + 1;
  } else {
    for (std::size_t i = 0; i < number.size(); ++i) protection.nonce[4 + i] ^= number[i];
  }
  const std::size_t text_bytes = record.size() - kHeaderBytes - overhead();
  std::string additional(number.begin(), number.end());
  additional += record.substr(0, 3) + static_cast<char>(text_bytes >> 8) + static_cast<char>(text_bytes);
  if (is_13()) additional = record.substr(0, kHeaderBytes);
  protection.additional = {reinterpret_cast<const std::uint8_t*>(additional.data()), additional.size()};
  if (!ciphers_.open(state_.aead, to_client_, protection, std::span(record).subspan(begin))) {
    return complain("a record that cannot be opened, which should have the number " +
                    std::to_string(to_client_.sequence - 1));
  }
  if (!is_13()) return take(record.front(), std::string_view(record).substr(begin, text_bytes), text);
  if (record.front() != kApplicationData) return complain("a record whose type shows");
  const std::string_view inner = std::string_view(record).substr(begin, text_bytes + 1);
  const std::size_t end = inner.find_last_not_of('\0');
  if (end == std::string_view::npos) return complain("a record without a type");
  take(inner[end], inner.substr(0, end), text);
}

void ClientTls::take(int type, std::string_view content, std::string& text) {
  if (type == kApplicationData) {
    if (content.empty()) complain("an empty record");
    text += content;
  } else if (type == kAlert && content == std::string_view("\1\0", 2)) {
    has_clean_end_ = true;
  } else if (type == kAlert && content.size() == 2 && content.front() == 2) {
    has_fatal_alert_ = true;
  } else if (type == kHandshake && is_13()) {
    take_handshake(content);
  } else {
    complain("a record of type " + std::to_string(type));
  }
}

void ClientTls::take_handshake(std::string_view message) {
  if (message != std::string_view("\x18\0\0\1\0", 5)) return complain("no KeyUpdate that requests none in return");
  CHECK(update_traffic_keys(state_.aead, to_client_));
  ++key_updates_;
}

std::string ClientTls::update_keys(bool requests_update) {
  CHECK(is_13());
  std::string record = sealer_.record(kHandshake, std::string("\x18\0\0\1", 4) + (requests_update ? '\1' : '\0'));
  sealer_.update_keys();
  return record;
}

}  // namespace streaming::simulation
