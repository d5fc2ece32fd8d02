// SPDX-License-Identifier: Apache-2.0
#include "bench/tls_clients.h"

#include <openssl/rand.h>

#include <array>

#include "protocol/tls_key_schedule.h"

namespace streaming::bench {
namespace {

using handoff_protocol::Aead;
using handoff_protocol::TlsVersion;

// RFC 8446, section 5.2: type, version and length; behind the text its type, then the tag.
constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kTagBytes = 16;
constexpr char kAlert = 21;
constexpr char kApplicationData = 23;
constexpr std::string_view kCloseNotify("\x01\x00", 2);

std::size_t record_bytes(std::span<const char> header) {
  return kHeaderBytes + static_cast<std::uint8_t>(header[3]) * 256u + static_cast<std::uint8_t>(header[4]);
}

unsigned char* octets(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

}  // namespace

Result<TlsClients> TlsClients::create() {
  TlsClients clients;
  handoff_protocol::TlsState& state = clients.state_;
  state.version = TlsVersion::k13;
  state.aead = Aead::kAes256Gcm;
  for (handoff_protocol::TlsDirection* direction : {&state.from_client, &state.to_client}) {
    if (RAND_bytes(direction->secret.data(), static_cast<int>(direction->secret.size())) != 1 ||
        !derive_traffic_keys(state.aead, *direction)) {
      return Error{"OpenSSL cannot make keys"};
    }
  }
  clients.cipher_.reset(EVP_CIPHER_CTX_new());
  if (!clients.cipher_ || EVP_DecryptInit_ex(clients.cipher_.get(), EVP_aes_256_gcm(), nullptr,
                                             state.to_client.key.data(), nullptr) != 1) {
    return Error{"OpenSSL has no AES-256-GCM"};
  }
  std::array<std::uint8_t, handoff_protocol::kMaxConnectionPartBytes> part;
  const std::size_t length = handoff_protocol::write_connection_part({.tls = state}, part);
  clients.connection_part_.assign(reinterpret_cast<const char*>(part.data()), length);
  return clients;
}

bool TlsClients::open(TlsRecords& records, std::span<char> received, ResponseReader& reader) {
  if (records.incomplete.empty()) {
    const auto opened = open_complete(records, received, reader);
    if (opened) records.incomplete.assign(received.begin() + static_cast<std::ptrdiff_t>(*opened), received.end());
    return opened.has_value();
  }
  records.incomplete.append(received.data(), received.size());
  const auto opened = open_complete(records, records.incomplete, reader);
  if (opened) records.incomplete.erase(0, *opened);
  return opened.has_value();
}

std::optional<std::size_t> TlsClients::open_complete(TlsRecords& records, std::span<char> bytes,
                                                     ResponseReader& reader) {
  std::size_t opened = 0;
  for (;;) {
    const std::span<char> rest = bytes.subspan(opened);
    if (rest.size() < kHeaderBytes || rest.size() < record_bytes(rest)) return opened;
    if (!open_record(records, rest.first(record_bytes(rest)), reader)) return std::nullopt;
    opened += record_bytes(rest);
  }
}

bool TlsClients::open_record(TlsRecords& records, std::span<char> record, ResponseReader& reader) {
  if (records.closed || record.size() < kHeaderBytes + 1 + kTagBytes) return false;
  if (!decrypt(records.opened++, record)) return false;
  const char type = record[record.size() - kTagBytes - 1];
  const std::string_view text(record.data() + kHeaderBytes, record.size() - kHeaderBytes - 1 - kTagBytes);
  if (type == kApplicationData) reader.read(text);
  records.closed = type == kAlert && text == kCloseNotify;
  return type == kApplicationData || records.closed;
}

bool TlsClients::decrypt(std::uint64_t sequence, std::span<char> record) {
  std::array<std::uint8_t, 12> nonce = state_.to_client.iv;
  for (std::size_t i = 0; i < sizeof sequence; ++i) nonce[11 - i] ^= static_cast<std::uint8_t>(sequence >> (8 * i));
  unsigned char* const text = octets(record.data()) + kHeaderBytes;
  const int text_bytes = static_cast<int>(record.size() - kHeaderBytes - kTagBytes);
  int written = 0;
  EVP_CIPHER_CTX* const cipher = cipher_.get();
  return EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
         EVP_DecryptUpdate(cipher, nullptr, &written, octets(record.data()), kHeaderBytes) == 1 &&
         EVP_DecryptUpdate(cipher, text, &written, text, text_bytes) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, kTagBytes, text + text_bytes) == 1 &&
         EVP_DecryptFinal_ex(cipher, text + text_bytes, &written) == 1;
}

}  // namespace streaming::bench
