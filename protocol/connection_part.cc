// SPDX-License-Identifier: Apache-2.0
#include "protocol/connection_part.h"

#include <algorithm>
#include <cstring>

#include "protocol/http2_frames.h"

namespace handoff_protocol {
namespace {

// Kinds of section.
constexpr std::uint8_t kTlsSection = 1;
constexpr std::uint8_t kHttp2Section = 2;
constexpr std::uint8_t kRecordsSection = 3;
constexpr std::uint8_t kReservationSection = 4;

constexpr std::size_t kSectionHeaderBytes = 4;
constexpr std::size_t kNumberBytes = 2;
constexpr std::size_t kSequenceBytes = 8;
constexpr std::size_t kHttp2NumberBytes = 4;
constexpr std::size_t kHttp2StateBytes = 6 * kHttp2NumberBytes;

std::size_t tls_section_bytes(TlsVersion version, Aead aead) {
  return 2 * kNumberBytes +
         2 * (kSequenceBytes + key_bytes(aead) + iv_bytes(version, aead) + secret_bytes(version, aead));
}

static_assert(kConnectionHeaderBytes + 3 * kSectionHeaderBytes + 2 * kNumberBytes + 2 * sizeof(TlsDirection) +
                  kHttp2StateBytes + 2 * kMaxUnusedBytes <=
              kMaxConnectionPartBytes);

class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> room) : room_(room) {}

  void write(std::uint64_t number, std::size_t bytes) {
    for (std::size_t i = bytes; i > 0; --i) room_[size_++] = static_cast<std::uint8_t>(number >> (8 * (i - 1)));
  }
  void write(std::span<const std::uint8_t> bytes) {
    std::ranges::copy(bytes, room_.subspan(size_, bytes.size()).begin());
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
  void read(std::span<std::uint8_t> into) { std::ranges::copy(take(into.size()), into.begin()); }
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

bool is_valid(const Http2State& http2) {
  const auto is_clients = [](std::uint32_t stream) { return stream % 2 == 1 && stream <= kMaxHttp2Stream; };
  return is_clients(http2.stream) && is_clients(http2.highest_stream) && http2.highest_stream >= http2.stream &&
         http2.connection_window >= 0 && http2.initial_window >= 0 && http2.max_frame_bytes >= kMinMaxFrameBytes &&
         http2.max_frame_bytes <= kMaxMaxFrameBytes;
}

ConnectionPartProblem read_http2_section(std::span<const std::uint8_t> content, ConnectionState& connection) {
  if (content.size() < kHttp2StateBytes) return ConnectionPartProblem::kMalformed;
  Reader reader(content);
  Http2State& http2 = connection.http2.emplace();
  http2.stream = static_cast<std::uint32_t>(reader.number(kHttp2NumberBytes));
  http2.highest_stream = static_cast<std::uint32_t>(reader.number(kHttp2NumberBytes));
  http2.connection_window = static_cast<std::int32_t>(reader.number(kHttp2NumberBytes));
  http2.stream_window = static_cast<std::int32_t>(reader.number(kHttp2NumberBytes));
  http2.initial_window = static_cast<std::int32_t>(reader.number(kHttp2NumberBytes));
  http2.max_frame_bytes = static_cast<std::uint32_t>(reader.number(kHttp2NumberBytes));
  connection.frames = reader.rest();
  const bool is_malformed = !is_valid(http2) || connection.frames.size() > kMaxUnusedBytes;
  return is_malformed ? ConnectionPartProblem::kMalformed : ConnectionPartProblem::kNone;
}

ConnectionPartProblem read_section(std::uint64_t kind, std::span<const std::uint8_t> content, ConnectionPart& part) {
  ConnectionState& connection = part.connection;
  switch (kind) {
    case kTlsSection:
      return read_tls_section(content, connection.tls.emplace());
    case kHttp2Section:
      return read_http2_section(content, connection);
    case kRecordsSection:
      connection.records = content;
      return content.empty() || content.size() > kMaxUnusedBytes || !connection.tls ? ConnectionPartProblem::kMalformed
                                                                                    : ConnectionPartProblem::kNone;
    case kReservationSection:
      part.is_reservation = true;
      return !content.empty() || connection.tls || connection.http2 ? ConnectionPartProblem::kMalformed
                                                                    : ConnectionPartProblem::kNone;
    default:
      return ConnectionPartProblem::kUnknownVersion;
  }
}

// At least one section, in the order of their kinds.
ConnectionPartProblem read_sections(std::span<const std::uint8_t> sections, ConnectionPart& part) {
  std::uint64_t last_kind = 0;
  do {
    if (sections.size() < kSectionHeaderBytes) return ConnectionPartProblem::kMalformed;
    Reader reader(sections);
    const std::uint64_t kind = reader.number(1);
    const std::uint64_t reserved = reader.number(1);
    const std::uint64_t bytes = reader.number(kNumberBytes);
    if (reserved != 0 || bytes > reader.rest().size() || kind <= last_kind) return ConnectionPartProblem::kMalformed;
    last_kind = kind;
    const std::span<const std::uint8_t> content = reader.take(bytes);
    const ConnectionPartProblem problem = read_section(kind, content, part);
    if (problem != ConnectionPartProblem::kNone) return problem;
    sections = reader.rest();
  } while (!sections.empty());
  return ConnectionPartProblem::kNone;
}

std::uint8_t version_of(const ConnectionState& connection) {
  const bool is_tls_only = connection.tls && !connection.http2 && connection.records.empty();
  return is_tls_only ? kTlsOnlyConnectionVersion : kConnectionVersion;
}

void begin_section(Writer& writer, std::uint8_t kind, std::size_t content_bytes) {
  writer.write(kind, 1);
  writer.write(0, 1);
  writer.write(content_bytes, kNumberBytes);
}

void write_tls_section(Writer& writer, const TlsState& tls) {
  begin_section(writer, kTlsSection, tls_section_bytes(tls.version, tls.aead));
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
}

void write_http2_section(Writer& writer, const Http2State& http2, std::span<const std::uint8_t> frames) {
  begin_section(writer, kHttp2Section, kHttp2StateBytes + frames.size());
  writer.write(http2.stream, kHttp2NumberBytes);
  writer.write(http2.highest_stream, kHttp2NumberBytes);
  writer.write(static_cast<std::uint32_t>(http2.connection_window), kHttp2NumberBytes);
  writer.write(static_cast<std::uint32_t>(http2.stream_window), kHttp2NumberBytes);
  writer.write(static_cast<std::uint32_t>(http2.initial_window), kHttp2NumberBytes);
  writer.write(http2.max_frame_bytes, kHttp2NumberBytes);
  writer.write(frames);
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

std::size_t write_connection_part(const ConnectionState& connection,
                                  std::span<std::uint8_t, kMaxConnectionPartBytes> part) {
  Writer writer(part);
  writer.write(kConnectionMark, 1);
  writer.write(version_of(connection), 1);
  writer.write(0, kNumberBytes);
  if (connection.tls) write_tls_section(writer, *connection.tls);
  if (connection.http2) write_http2_section(writer, *connection.http2, connection.frames);
  if (!connection.records.empty()) {
    begin_section(writer, kRecordsSection, connection.records.size());
    writer.write(connection.records);
  }
  Writer(part.subspan(kNumberBytes)).write(writer.size(), kNumberBytes);
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
  } else if (version != kConnectionVersion && version != kTlsOnlyConnectionVersion) {
    part.problem = ConnectionPartProblem::kUnknownVersion;
  } else if (message.size() < part.bytes) {
    part.problem = ConnectionPartProblem::kIncomplete;
  } else {
    part.problem = read_sections(message.first(part.bytes).subspan(kConnectionHeaderBytes), part);
    const bool is_other_version = part.problem == ConnectionPartProblem::kNone && version != version_of(part.connection);
    if (is_other_version) part.problem = ConnectionPartProblem::kMalformed;
  }
  return part;
}

}  // namespace handoff_protocol
