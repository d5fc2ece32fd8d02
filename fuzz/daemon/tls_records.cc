// SPDX-License-Identifier: Apache-2.0
// What a client sends over TLS behind the handshake: bytes of any kind, and records that it seals with the true keys.
// The same comes of them however they are cut, and what a second implementation of the rules says.
//
// The input: a byte that chooses version and AEAD, and whether the rest is bytes to receive; else it is records, each a
// type, a length and as many bytes of text, and their bytes may be changed: the last two bytes say where and how.

#include "tls/tls_connection.h"

#include <string>
#include <string_view>

#include "fuzz/property.h"
#include "tests/support/hostile_tls_client.h"
#include "tls/limits.h"

namespace streaming {
namespace {

using handoff_protocol::Aead;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;
using Received = TlsConnection::Received;

struct Outcome {
  Received received;
  bool has_to_answer;
  bool operator==(const Outcome&) const = default;
};

// `next_length` gives the size of each read.
template <typename NextLength>
Outcome receive(const TlsState& state, std::string_view bytes, NextLength next_length) {
  static TlsCiphers ciphers;  // as a worker's
  TlsConnection connection(state);
  Received received = Received::kNothing;
  while (!bytes.empty()) {
    std::string read(bytes.substr(0, next_length()));  // a copy, so that a read beyond its end is seen
    bytes.remove_prefix(read.size());
    const Received before = received;
    received = connection.receive(ciphers, read);
    MUST(before == Received::kNothing || before == received);
  }
  return {received, connection.has_to_answer()};
}

// What comes of whole records, by RFC 8446 and RFC 5246.
class Rules {
 public:
  explicit Rules(TlsVersion version) : is_13_(version == TlsVersion::k13) {}

  // `inner` is all that the record protects. True if the client's keys change behind it.
  bool take(int type, std::string inner) {
    if (outcome_.received != Received::kNothing) return false;
    if (is_13_) {
      while (inner.ends_with('\0')) inner.pop_back();
      type = inner.empty() ? 0 : static_cast<unsigned char>(inner.back());
      if (!inner.empty()) inner.pop_back();
    }
    const std::size_t updates = updates_;
    outcome_.received = of(type, inner);
    return updates != updates_;
  }
  const Outcome& outcome() const { return outcome_; }

 private:
  Received of(int type, const std::string& text) {
    if (type != 22 && !handshake_.empty()) return Received::kMalformed;
    if (type == 23) return Received::kNothing;
    if (type == 21) return of_alert(text);
    if (type != 22 || !is_13_ || text.empty()) return Received::kMalformed;
    handshake_ += text;
    static const std::string kUpdates[] = {{"\x18\0\0\1\0", 5}, {"\x18\0\0\1\1", 5}};
    for (const std::string& update : kUpdates) {
      if (handshake_ == update) {
        handshake_.clear();
        outcome_.has_to_answer |= update.ends_with('\1') && updates_ < kMaxKeyUpdates;
        return ++updates_ > kMaxKeyUpdates ? Received::kMalformed : Received::kNothing;
      }
    }
    return kUpdates[0].starts_with(handshake_) ? Received::kNothing : Received::kMalformed;
  }
  Received of_alert(const std::string& text) const {
    if (text.size() != 2) return Received::kMalformed;
    if (text[1] == 0) return Received::kClosed;
    if (is_13_) return text[1] == 90 ? Received::kNothing : Received::kClosed;
    return text[0] == 1 ? Received::kNothing : text[0] == 2 ? Received::kClosed : Received::kMalformed;
  }

  const bool is_13_;
  std::string handshake_;
  std::size_t updates_ = 0;
  Outcome outcome_{Received::kNothing, false};
};

// The records that `input` describes, sealed.
std::string sealed(const TlsState& state, std::string_view input, Rules& rules) {
  HostileTlsClient client(state);
  std::string records;
  while (input.size() >= 2) {
    const int type = static_cast<unsigned char>(input[0]);
    const std::string text(input.substr(2, static_cast<unsigned char>(input[1])));
    input.remove_prefix(2 + text.size());
    records += client.record(type, text);
    if (rules.take(type, state.version == TlsVersion::k13 ? text + static_cast<char>(type) : text)) {
      client.update_keys();
    }
  }
  return records;
}

TlsState state_of(int choice) {
  constexpr Aead kAeads[] = {Aead::kAes128Gcm, Aead::kAes256Gcm, Aead::kChaCha20Poly1305};
  TlsState state;
  state.version = choice & 1 ? TlsVersion::k13 : TlsVersion::k12;
  state.aead = kAeads[choice / 2 % 3];
  state.from_client.key.fill(1);
  state.from_client.iv.fill(2);
  state.from_client.secret.fill(3);
  return state;
}

void must_not_depend_on_pieces(const TlsState& state, std::string_view bytes, const Outcome& whole) {
  MUST(receive(state, bytes, [] { return 1; }) == whole);
  std::uint32_t random = static_cast<std::uint32_t>(bytes.size()) * 2654435761u + 1;
  MUST(receive(state, bytes, [&] { return 1 + ((random = random * 1664525u + 1013904223u) >> 24); }) == whole);
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  if (size < 3) return 0;
  const std::string_view input = fuzz::text(data, size);
  const TlsState state = state_of(data[0]);
  const auto at_once = [&](std::string_view bytes) { return receive(state, bytes, [&] { return bytes.size(); }); };

  if (data[0] & 0x80) {
    const Outcome whole = at_once(input.substr(1));
    MUST(whole.received != Received::kClosed && !whole.has_to_answer);  // nobody seals by chance
    must_not_depend_on_pieces(state, input.substr(1), whole);
    return 0;
  }
  Rules rules(state.version);
  std::string records = sealed(state, input.substr(1, size - 3), rules);
  const Outcome whole = at_once(records);
  MUST(whole == rules.outcome());
  must_not_depend_on_pieces(state, records, whole);

  const std::uint8_t change = data[size - 1];
  if (records.empty() || change == 0 || whole.received != Received::kNothing) return 0;
  records[data[size - 2] % records.size()] ^= static_cast<char>(change);
  const Outcome changed = at_once(records);
  MUST(changed.received != Received::kClosed);
  must_not_depend_on_pieces(state, records, changed);
  return 0;
}
