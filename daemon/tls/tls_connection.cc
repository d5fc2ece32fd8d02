// SPDX-License-Identifier: Apache-2.0
#include "tls/tls_connection.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "protocol/tls_key_schedule.h"
#include "tls/limits.h"
#include "tls/tls_ciphers.h"

namespace streaming {

using handoff_protocol::Aead;
using handoff_protocol::TlsDirection;
using handoff_protocol::TlsVersion;

namespace {

// Types of records.
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;

// Alerts: a level and a description.
constexpr std::uint8_t kWarning = 1;
constexpr std::uint8_t kFatal = 2;
constexpr std::uint8_t kCloseNotify = 0;
constexpr std::uint8_t kUnexpectedMessage = 10;
constexpr std::uint8_t kBadRecordMac = 20;
constexpr std::uint8_t kRecordOverflow = 22;
constexpr std::uint8_t kIllegalParameter = 47;
constexpr std::uint8_t kDecodeError = 50;
constexpr std::uint8_t kInternalError = 80;
constexpr std::uint8_t kUserCanceled = 90;

constexpr std::size_t kHeaderBytes = 5;  // type, version, length
constexpr std::uint8_t kRecordVersion[] = {3, 3};
constexpr std::size_t kExplicitNonceBytes = 8;

// A KeyUpdate but for its last byte: type, length, and then whether the sender requests another one in return.
constexpr std::string_view kKeyUpdate{"\x18\x00\x00\x01", 4};
constexpr std::uint8_t kNotRequested = 0;
constexpr std::uint8_t kRequested = 1;

using Nonce = std::array<std::uint8_t, 12>;

void write_number(std::uint64_t number, std::span<std::uint8_t> into) {
  for (auto byte = into.rbegin(); byte != into.rend(); ++byte, number >>= 8) *byte = static_cast<std::uint8_t>(number);
}

std::uint8_t byte_at(std::span<const char> bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

struct SequenceNumber {
  std::array<std::uint8_t, 8> bytes;
};

// The number of the next record, which no other record gets. False once there is none: a number never wraps.
bool take_sequence(TlsDirection& direction, SequenceNumber& number) {
  if (direction.sequence == UINT64_MAX) return false;
  write_number(direction.sequence++, number.bytes);
  return true;
}

// RFC 8446, section 5.3, and RFC 7905, section 2: the IV, with the number added to its end.
Nonce implicit_nonce(const TlsDirection& direction, const SequenceNumber& number) {
  Nonce nonce = direction.iv;
  for (std::size_t i = 0; i < number.bytes.size(); ++i)
    nonce[nonce.size() - number.bytes.size() + i] ^= number.bytes[i];
  return nonce;
}

// RFC 5288, section 3: 4 bytes of the key block, and 8 that the record has in front of its text.
Nonce explicit_nonce(const TlsDirection& direction, const char* in_record) {
  Nonce nonce = direction.iv;
  std::memcpy(nonce.data() + nonce.size() - kExplicitNonceBytes, in_record, kExplicitNonceBytes);
  return nonce;
}

// The header, in TLS 1.3; in TLS 1.2 the number and the header, which has the length of the text alone.
class AdditionalData {
 public:
  AdditionalData(TlsVersion version, const SequenceNumber& number, const char* header, std::size_t text_bytes) {
    if (version == TlsVersion::k13) {
      std::memcpy(data_.data(), header, kHeaderBytes);
      size_ = kHeaderBytes;
      return;
    }
    std::memcpy(data_.data(), number.bytes.data(), number.bytes.size());
    std::memcpy(data_.data() + number.bytes.size(), header, kHeaderBytes);
    size_ = data_.size();
    write_number(text_bytes, std::span(data_).last(2));
  }
  std::span<const std::uint8_t> view() const { return std::span(data_).first(size_); }

 private:
  std::array<std::uint8_t, 8 + kHeaderBytes> data_;
  std::size_t size_;
};

}  // namespace

TlsConnection::TlsConnection(const handoff_protocol::TlsState& state)
    : from_client_(state.from_client), to_client_(state.to_client), version_(state.version), aead_(state.aead) {
}

TlsConnection::~TlsConnection() {
  explicit_bzero(&from_client_, sizeof from_client_);
  explicit_bzero(&to_client_, sizeof to_client_);
}

// Whether the IV is only the beginning of a nonce, and each record has the rest.
bool TlsConnection::has_explicit_nonce() const {
  return handoff_protocol::iv_bytes(version_, aead_) < sizeof(Nonce);
}

// What a record has in addition to its header and text.
std::size_t TlsConnection::overhead() const {
  const std::size_t content_type = version_ == TlsVersion::k13 ? 1 : 0;
  return content_type + (has_explicit_nonce() ? kExplicitNonceBytes : 0) + TlsCiphers::kTagBytes;
}

// --- To the client --------------------------------------------------------------------------------------------------

TlsConnection::Sealing TlsConnection::seal_record(TlsCiphers& ciphers, std::uint8_t type, std::string_view text,
                                                  Buffer& records) {
  CHECK(!ended_ && text.size() <= kMaxRecordText);
  if (failed_) return Sealing::kFailed;
  SequenceNumber number;
  if (!take_sequence(to_client_, number)) return Sealing::kExhausted;
  const bool is_13 = version_ == TlsVersion::k13;
  const std::size_t protected_bytes = text.size() + overhead();
  char* const header = records.reserve(kHeaderBytes + protected_bytes);
  header[0] = static_cast<char>(is_13 ? kApplicationData : type);
  std::memcpy(header + 1, kRecordVersion, sizeof kRecordVersion);
  header[3] = static_cast<char>(protected_bytes >> 8);
  header[4] = static_cast<char>(protected_bytes);
  char* sealed = header + kHeaderBytes;
  Nonce nonce;
  if (has_explicit_nonce()) {
    std::memcpy(sealed, number.bytes.data(), kExplicitNonceBytes);
    nonce = explicit_nonce(to_client_, sealed);
    sealed += kExplicitNonceBytes;
  } else {
    nonce = implicit_nonce(to_client_, number);
  }
  const AdditionalData additional(version_, number, header, text.size());
  const char inner_type = static_cast<char>(type);
  failed_ = !ciphers.seal(aead_, to_client_, {nonce, additional.view()}, text,
                          is_13 ? std::string_view(&inner_type, 1) : std::string_view(), sealed);
  if (failed_) return Sealing::kFailed;
  records.commit(kHeaderBytes + protected_bytes);
  return Sealing::kDone;
}

// Requests none in return: the client's keys are its own affair.
TlsConnection::Sealing TlsConnection::seal_key_update(TlsCiphers& ciphers, Buffer& records) {
  std::array<char, kKeyUpdate.size() + 1> message{};
  kKeyUpdate.copy(message.data(), kKeyUpdate.size());
  message.back() = kNotRequested;
  const Sealing sealing = seal_record(ciphers, kHandshake, {message.data(), message.size()}, records);
  if (sealing != Sealing::kDone) return sealing;
  failed_ = !handoff_protocol::update_traffic_keys(aead_, to_client_);
  key_update_due_ = false;
  return failed_ ? Sealing::kFailed : Sealing::kDone;
}

TlsConnection::Sealing TlsConnection::seal(TlsCiphers& ciphers, std::string_view text, Buffer& records) {
  CHECK(!ended_);
  Sealing sealing = key_update_due_ ? seal_key_update(ciphers, records) : Sealing::kDone;
  while (!text.empty() && sealing == Sealing::kDone) {
    if (to_client_.sequence >= kMaxRecordsPerKey) {
      if (version_ == TlsVersion::k12) return Sealing::kExhausted;
      sealing = seal_key_update(ciphers, records);
      if (sealing != Sealing::kDone) return sealing;
    }
    const std::string_view record = text.substr(0, kMaxRecordText);
    sealing = seal_record(ciphers, kApplicationData, record, records);
    text.remove_prefix(record.size());
  }
  return sealing;
}

TlsConnection::Sealing TlsConnection::seal_alert(TlsCiphers& ciphers, std::uint8_t level, std::uint8_t description,
                                                 Buffer& records) {
  const char message[] = {static_cast<char>(level), static_cast<char>(description)};
  const Sealing sealing = seal_record(ciphers, kAlert, {message, sizeof message}, records);
  ended_ = true;
  return sealing;
}

TlsConnection::Sealing TlsConnection::seal_close_notify(TlsCiphers& ciphers, Buffer& records) {
  return seal_alert(ciphers, kWarning, kCloseNotify, records);
}

TlsConnection::Sealing TlsConnection::seal_fatal_alert(TlsCiphers& ciphers, Buffer& records) {
  CHECK(received_ == Received::kMalformed);
  return seal_alert(ciphers, kFatal, fatal_alert_, records);
}

// --- From the client ------------------------------------------------------------------------------------------------

TlsConnection::Received TlsConnection::malformed(std::uint8_t alert) {
  fatal_alert_ = alert;
  return Received::kMalformed;
}

// The length of the record that begins with `bytes`; that of its header while it is incomplete; 0 if no record of this
// connection begins so.
std::size_t TlsConnection::record_bytes(std::span<const char> bytes) {
  if (bytes.size() < kHeaderBytes) return kHeaderBytes;
  const std::uint8_t type = byte_at(bytes, 0);
  const std::size_t protected_bytes = std::size_t{byte_at(bytes, 3)} << 8 | byte_at(bytes, 4);
  // The true type is encrypted in TLS 1.3. Nothing else comes behind the handshake there.
  const std::uint8_t lowest_type = version_ == TlsVersion::k13 ? kApplicationData : kAlert;
  if (type < lowest_type || type > kApplicationData) {
    received_ = malformed(kUnexpectedMessage);
  } else if (protected_bytes > kMaxRecordText + overhead()) {
    received_ = malformed(kRecordOverflow);
  } else if (protected_bytes < overhead()) {
    received_ = malformed(kDecodeError);
  }
  return received_ == Received::kNothing ? kHeaderBytes + protected_bytes : 0;
}

TlsConnection::Received TlsConnection::receive(TlsCiphers& ciphers, std::span<char> bytes,
                                               TextReceiver* texts) {
  if (!incomplete_.empty()) bytes = complete(ciphers, bytes, texts);
  while (received_ == Received::kNothing && !bytes.empty()) {
    const std::size_t whole = record_bytes(bytes);
    if (whole > bytes.size()) {
      incomplete_.append({bytes.data(), bytes.size()});
      break;
    }
    if (whole > 0) received_ = open_record(ciphers, bytes.first(whole), texts);
    bytes = bytes.subspan(whole);
  }
  return received_;
}

// Adds to the incomplete record what of `bytes` belongs to it, and opens it if that is all of it. Returns the rest.
std::span<char> TlsConnection::complete(TlsCiphers& ciphers, std::span<char> bytes, TextReceiver* texts) {
  std::size_t whole = 0;
  while ((whole = record_bytes({incomplete_.data(), incomplete_.size()})) > incomplete_.size()) {
    if (bytes.empty()) return bytes;
    const std::span<char> more = bytes.first(std::min(whole - incomplete_.size(), bytes.size()));
    incomplete_.append({more.data(), more.size()});
    bytes = bytes.subspan(more.size());
  }
  if (whole > 0) received_ = open_record(ciphers, {incomplete_.begin(), whole}, texts);
  incomplete_.reset();
  return bytes;
}

TlsConnection::Received TlsConnection::open_record(TlsCiphers& ciphers, std::span<char> record,
                                                   TextReceiver* texts) {
  SequenceNumber number;
  if (!take_sequence(from_client_, number)) return malformed(kInternalError);
  std::span<char> sealed = record.subspan(kHeaderBytes);
  const Nonce nonce =
      has_explicit_nonce() ? explicit_nonce(from_client_, sealed.data()) : implicit_nonce(from_client_, number);
  if (has_explicit_nonce()) sealed = sealed.subspan(kExplicitNonceBytes);
  const std::string_view text(sealed.data(), sealed.size() - TlsCiphers::kTagBytes);
  const AdditionalData additional(version_, number, record.data(), text.size());
  if (!ciphers.open(aead_, from_client_, {nonce, additional.view()}, sealed)) return malformed(kBadRecordMac);
  if (version_ == TlsVersion::k12) return act_on(byte_at(record, 0), text, texts);
  // RFC 8446, section 5.4: the text, its type, and padding of any length.
  const std::size_t type = text.find_last_not_of('\0');
  if (type == std::string_view::npos) return malformed(kUnexpectedMessage);
  return act_on(byte_at(text, type), text.substr(0, type), texts);
}

TlsConnection::Received TlsConnection::act_on(std::uint8_t type, std::string_view text, TextReceiver* texts) {
  // RFC 8446, section 5.1: nothing comes between the fragments of a message.
  if (key_update_bytes_ > 0 && type != kHandshake) return malformed(kUnexpectedMessage);
  switch (type) {
    case kApplicationData:
      if (texts != nullptr) texts->on_text(text);
      return Received::kNothing;
    case kAlert:
      return on_alert(text);
    case kHandshake:
      return on_handshake(text);
    default:
      return malformed(kUnexpectedMessage);
  }
}

TlsConnection::Received TlsConnection::on_alert(std::string_view alert) {
  if (alert.size() != 2) return malformed(kDecodeError);
  const std::uint8_t level = byte_at(alert, 0);
  const std::uint8_t description = byte_at(alert, 1);
  if (description == kCloseNotify) return Received::kClosed;
  // TLS 1.3 ignores the level, and has one alert that does not end the connection.
  if (version_ == TlsVersion::k13) return description == kUserCanceled ? Received::kNothing : Received::kClosed;
  if (level != kWarning && level != kFatal) return malformed(kIllegalParameter);
  return level == kWarning ? Received::kNothing : Received::kClosed;
}

// In TLS 1.2 a client could only ask for another handshake, which mod_ssl answers by cutting the connection. In TLS 1.3
// what a client may send behind the handshake without being asked is a KeyUpdate, alone or in fragments. It ends its
// record, because the next one has another key.
TlsConnection::Received TlsConnection::on_handshake(std::string_view text) {
  if (version_ == TlsVersion::k12 || text.empty()) return malformed(kUnexpectedMessage);
  for (; key_update_bytes_ < kKeyUpdate.size() && !text.empty(); ++key_update_bytes_, text.remove_prefix(1)) {
    if (text.front() != kKeyUpdate[key_update_bytes_]) return malformed(kUnexpectedMessage);
  }
  if (text.empty()) return Received::kNothing;
  if (text.size() > 1) return malformed(kUnexpectedMessage);
  key_update_bytes_ = 0;
  return on_key_update(byte_at(text, 0));
}

TlsConnection::Received TlsConnection::on_key_update(std::uint8_t request) {
  if (request != kNotRequested && request != kRequested) return malformed(kIllegalParameter);
  static_assert(kMaxKeyUpdates < UINT8_MAX);
  if (++key_updates_ > kMaxKeyUpdates) return malformed(kUnexpectedMessage);
  key_update_due_ = key_update_due_ || request == kRequested;
  return handoff_protocol::update_traffic_keys(aead_, from_client_) ? Received::kNothing : malformed(kInternalError);
}

}  // namespace streaming
