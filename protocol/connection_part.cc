// SPDX-License-Identifier: Apache-2.0
#include "protocol/connection_part.h"

#include <cstring>

namespace handoff_protocol {
namespace {

constexpr std::size_t kSectionHeaderBytes = 4;
constexpr std::size_t kNumberBytes = 2;
constexpr std::size_t kSequenceBytes = 8;

std::size_t tls_section_bytes(TlsVersion version, Aead aead) {
  return 2 * kNumberBytes +
         2 * (kSequenceBytes + key_bytes(aead) + iv_bytes(version, aead) + secret_bytes(version, aead));
}

static_assert(kConnectionHeaderBytes + kSectionHeaderBytes + 2 * kNumberBytes + 2 * sizeof(TlsDirection) <=
              kMaxConnectionPartBytes);

class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> room) : room_(room) {}

  void write(std::uint64_t number, std::size_t bytes) {
    for (std::size_t i = bytes; i > 0; --i) room_[size_++] = static_cast<std::uint8_t>(number >> (8 * (i - 1)));
  }
  void write(std::span<const std::uint8_t> bytes) {
    std::memcpy(room_.subspan(size_, bytes.size()).data(), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  std::size_t size() const { return size_; }

 private:
  std::span<std::uint8_t> room_;
  std::size_t size_ = 0;
};

// The caller sees that there are as many bytes as it asks for.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  std::uint64_t number(std::size_t bytes) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : take(bytes)) number = number << 8 | byte;
    return number;
  }
  void read(std::span<std::uint8_t> into) { std::memcpy(into.data(), take(into.size()).data(), into.size()); }
  std::span<const std::uint8_t> take(std::size_t bytes) {
    const std::span<const std::uint8_t> taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }
  std::span<const std::uint8_t> rest() const { return rest_; }

 private:
  std::span<const std::uint8_t> rest_;
};

bool is_known(TlsVersion version) {
  return version == TlsVersion::k12 || version == TlsVersion::k13;
}

bool is_known(Aead aead) {
  return aead == Aead::kAes128Gcm || aead == Aead::kAes256Gcm || aead == Aead::kChaCha20Poly1305;
}

ConnectionPartProblem read_tls_section(std::span<const std::uint8_t> content, TlsState& tls) {
  if (content.size() < 2 * kNumberBytes) return ConnectionPartProblem::kMalformed;
  Reader reader(content);
  tls.version = static_cast<TlsVersion>(reader.number(kNumberBytes));
  tls.aead = static_cast<Aead>(reader.number(kNumberBytes));
  if (!is_known(tls.version) || !is_known(tls.aead)) return ConnectionPartProblem::kUnknownVersion;
  if (content.size() != tls_section_bytes(tls.version, tls.aead)) return ConnectionPartProblem::kMalformed;
  for (TlsDirection* direction : {&tls.from_client, &tls.to_client}) {
    direction->sequence = reader.number(kSequenceBytes);
    reader.read(std::span(direction->key).first(key_bytes(tls.aead)));
    reader.read(std::span(direction->iv).first(iv_bytes(tls.version, tls.aead)));
  }
  for (TlsDirection* direction : {&tls.from_client, &tls.to_client}) {
    reader.read(std::span(direction->secret).first(secret_bytes(tls.version, tls.aead)));
  }
  return ConnectionPartProblem::kNone;
}

// Exactly one TLS section.
ConnectionPartProblem read_sections(std::span<const std::uint8_t> sections, TlsState& tls) {
  if (sections.size() < kSectionHeaderBytes) return ConnectionPartProblem::kMalformed;
  Reader reader(sections);
  const std::uint64_t kind = reader.number(1);
  const std::uint64_t reserved = reader.number(1);
  const std::uint64_t bytes = reader.number(kNumberBytes);
  if (kind != kTlsSection) return ConnectionPartProblem::kUnknownVersion;
  if (reserved != 0 || bytes != reader.rest().size()) return ConnectionPartProblem::kMalformed;
  return read_tls_section(reader.rest(), tls);
}

}  // namespace

std::size_t key_bytes(Aead aead) {
  return aead == Aead::kAes128Gcm ? 16 : 32;
}

// With GCM in TLS 1.2 the other 8 bytes of the nonce are in each record.
std::size_t iv_bytes(TlsVersion version, Aead aead) {
  return version == TlsVersion::k12 && aead != Aead::kChaCha20Poly1305 ? 4 : 12;
}

std::size_t secret_bytes(TlsVersion version, Aead aead) {
  if (version == TlsVersion::k12) return 0;
  return aead == Aead::kAes256Gcm ? 48 : 32;
}

TlsState::~TlsState() {
  explicit_bzero(&from_client, sizeof from_client);
  explicit_bzero(&to_client, sizeof to_client);
}

std::size_t write_connection_part(const TlsState& tls, std::span<std::uint8_t, kMaxConnectionPartBytes> part) {
  const std::size_t content = tls_section_bytes(tls.version, tls.aead);
  Writer writer(part);
  writer.write(kConnectionMark, 1);
  writer.write(kConnectionVersion, 1);
  writer.write(kConnectionHeaderBytes + kSectionHeaderBytes + content, kNumberBytes);
  writer.write(kTlsSection, 1);
  writer.write(0, 1);
  writer.write(content, kNumberBytes);
  writer.write(static_cast<std::uint16_t>(tls.version), kNumberBytes);
  writer.write(static_cast<std::uint16_t>(tls.aead), kNumberBytes);
  for (const TlsDirection* direction : {&tls.from_client, &tls.to_client}) {
    writer.write(direction->sequence, kSequenceBytes);
    writer.write(std::span(direction->key).first(key_bytes(tls.aead)));
    writer.write(std::span(direction->iv).first(iv_bytes(tls.version, tls.aead)));
  }
  for (const TlsDirection* direction : {&tls.from_client, &tls.to_client}) {
    writer.write(std::span(direction->secret).first(secret_bytes(tls.version, tls.aead)));
  }
  return writer.size();
}

ConnectionPart read_connection_part(std::span<const std::uint8_t> message) {
  ConnectionPart part;
  if (message.size() < kConnectionHeaderBytes) {
    part.problem = ConnectionPartProblem::kIncomplete;
    return part;
  }
  Reader reader(message);
  const std::uint64_t mark = reader.number(1);
  const std::uint64_t version = reader.number(1);
  part.bytes = reader.number(kNumberBytes);
  if (mark != kConnectionMark || part.bytes < kConnectionHeaderBytes || part.bytes > kMaxConnectionPartBytes) {
    part.problem = ConnectionPartProblem::kMalformed;
  } else if (version != kConnectionVersion) {
    part.problem = ConnectionPartProblem::kUnknownVersion;
  } else if (message.size() < part.bytes) {
    part.problem = ConnectionPartProblem::kIncomplete;
  } else {
    part.problem = read_sections(message.first(part.bytes).subspan(kConnectionHeaderBytes), part.tls);
  }
  return part;
}

}  // namespace handoff_protocol
