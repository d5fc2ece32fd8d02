// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/tls_trace.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "mod_socket_handoff/hex.h"
#include "protocol/tls_key_schedule.h"

namespace socket_handoff {

using handoff_protocol::Aead;
using handoff_protocol::TlsDirection;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;

namespace {

// Returns the word and removes it, with the blank behind it.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word(line.data(), end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<Aead> aead_of(const SSL* ssl) {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  switch (cipher ? SSL_CIPHER_get_cipher_nid(cipher) : NID_undef) {
    case NID_aes_128_gcm:
      return Aead::kAes128Gcm;
    case NID_aes_256_gcm:
      return Aead::kAes256Gcm;
    case NID_chacha20_poly1305:
      return Aead::kChaCha20Poly1305;
    default:
      return std::nullopt;
  }
}

std::optional<TlsVersion> version_of(const SSL* ssl) {
  switch (SSL_version(ssl)) {
    case TLS1_2_VERSION:
      return TlsVersion::k12;
    case TLS1_3_VERSION:
      return TlsVersion::k13;
    default:
      return std::nullopt;
  }
}

// The client has asked for records that are shorter than the daemon's (RFC 6066, section 4).
bool needs_short_records(const SSL* ssl) {
  const int length = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));
  return length >= TLSEXT_max_fragment_length_512 && length <= TLSEXT_max_fragment_length_4096;
}

// The length of the record that OpenSSL has read the header of, and not the rest; 0 if there is none.
std::size_t begun_record_bytes(const CutRecord* cut) {
  return cut ? cut->record_bytes() : 0;
}

// Whether OpenSSL has read no more than all records but the last one, and what `cut` has of that. "RH": it expects a
// record's header. "RB": it has the header, and expects the rest.
bool has_read_only(const SSL* ssl, const CutRecord* cut) {
  const bool has_cut = cut && !cut->bytes().empty();
  const std::string_view state = begun_record_bytes(cut) > 0 ? "RB" : "RH";
  return !(has_cut ? SSL_pending(ssl) != 0 : SSL_has_pending(ssl)) && SSL_rstate_string(ssl) == state &&
         !SSL_want_write(ssl);
}

bool derive_keys_of_12(const SSL* ssl, TlsState& tls) {
  std::array<unsigned char, SSL_MAX_MASTER_KEY_LENGTH> master;
  std::array<unsigned char, SSL3_RANDOM_SIZE> client_random;
  std::array<unsigned char, SSL3_RANDOM_SIZE> server_random;
  const std::size_t master_bytes = SSL_SESSION_get_master_key(SSL_get_session(ssl), master.data(), master.size());
  const EVP_MD* digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
  const bool is_derived =
      master_bytes == master.size() && digest &&
      SSL_get_client_random(ssl, client_random.data(), client_random.size()) == client_random.size() &&
      SSL_get_server_random(ssl, server_random.data(), server_random.size()) == server_random.size() &&
      handoff_protocol::derive_key_block(EVP_MD_get0_name(digest), master, client_random, server_random, tls);
  OPENSSL_cleanse(master.data(), master.size());
  return is_derived;
}

}  // namespace

void TlsTrace::watch(SSL* ssl) {
  SSL_set_msg_callback(ssl, on_message);
  SSL_set_msg_callback_arg(ssl, this);
}

// The content type SSL3_RT_HEADER comes once for each record that is read or written, with the record's header;
// SSL3_RT_HANDSHAKE with a whole message, behind its records. OpenSSL does not report a ChangeCipherSpec that it reads
// otherwise, but the type of its record is in its header.
void TlsTrace::on_message(int is_written, int, int content_type, const void* message, std::size_t bytes, SSL* ssl,
                          void* trace) {
  Direction& sent = is_written ? static_cast<TlsTrace*>(trace)->server_ : static_cast<TlsTrace*>(trace)->client_;
  const std::span start(static_cast<const std::uint8_t*>(message), bytes);
  const bool is_13 = SSL_version(ssl) >= TLS1_3_VERSION;
  if (content_type == SSL3_RT_HANDSHAKE && is_13 && bytes > 0) on_handshake_message(sent, start[0]);
  if (content_type == SSL3_RT_HEADER && bytes == SSL3_RT_HEADER_LENGTH) on_record(sent, start, is_13);
}

void TlsTrace::on_record(Direction& sent, std::span<const std::uint8_t> header, bool is_13) {
  ++sent.records;
  sent.bytes += SSL3_RT_HEADER_LENGTH + (std::uint64_t{header[3]} << 8 | header[4]);
  if (header[0] != SSL3_RT_CHANGE_CIPHER_SPEC || is_13) return;
  sent.records = 0;
  sent.has_keys = true;
}

// Of TLS 1.3, where a ChangeCipherSpec means nothing.
void TlsTrace::on_handshake_message(Direction& sent, int type) {
  // A second Finished ends an authentication of the client behind the handshake, which changes no keys.
  const bool is_last_of_handshake = type == SSL3_MT_FINISHED && !sent.has_keys;
  if (!is_last_of_handshake && type != SSL3_MT_KEY_UPDATE) return;
  sent.records = 0;
  sent.has_keys = true;
  if (type == SSL3_MT_KEY_UPDATE && sent.key_updates <= kMaxKeyUpdates) ++sent.key_updates;
}

void TlsTrace::on_key_log_line(std::string_view line) {
  const std::string_view label = take_word(line);
  const bool is_clients = label == "CLIENT_TRAFFIC_SECRET_0";
  if (!is_clients && label != "SERVER_TRAFFIC_SECRET_0") return;
  take_word(line);  // the client's random
  Direction& sent = is_clients ? client_ : server_;
  sent.secret_bytes = 0;
  if (line.size() % 2 != 0 || line.size() / 2 > sent.secret.size()) return;
  for (std::size_t i = 0; i < line.size(); i += 2) {
    const int high = hex_digit(line[i]);
    const int low = hex_digit(line[i + 1]);
    if (high < 0 || low < 0) return;
    sent.secret[i / 2] = static_cast<std::uint8_t>(high << 4 | low);
  }
  sent.secret_bytes = static_cast<std::uint8_t>(line.size() / 2);
}

Verdict TlsTrace::read(const SSL* ssl, TlsState& tls, const CutRecord* cut) const {
  if (const Verdict verdict = examine(ssl, tls, cut); !verdict.is_yes()) return verdict;
  if (!write_keys(ssl, tls)) return Verdict::no("the keys of its TLS connection are not known");
  if (begun_record_bytes(cut) > 0) --tls.from_client.sequence;  // its header was counted
  return Verdict::yes();
}

// A record that the callback has missed, because another module had replaced it, would make the next number one that is
// used already. mod_ssl's BIOs count the bytes that OpenSSL has read and written; they are those of the counted records.
// Of a cut record OpenSSL has read all that has come.
bool TlsTrace::has_counted_all(const SSL* ssl, const CutRecord* cut) const {
  const std::uint64_t bytes_read = BIO_number_read(SSL_get_rbio(ssl));
  const std::uint64_t cut_bytes = cut ? cut->bytes().size() : 0;
  return bytes_read == client_.bytes - begun_record_bytes(cut) + cut_bytes && (!cut || cut->taken_bytes() == bytes_read) &&
         BIO_number_written(SSL_get_wbio(ssl)) == server_.bytes;
}

// Also sets the version and the AEAD.
Verdict TlsTrace::examine(const SSL* ssl, TlsState& tls, const CutRecord* cut) const {
  const std::optional<TlsVersion> version = version_of(ssl);
  if (!version) return Verdict::no("it came over TLS older than 1.2");
  const std::optional<Aead> aead = aead_of(ssl);
  if (!aead) return Verdict::no("its cipher suite is neither AES-GCM nor ChaCha20-Poly1305");
  if (!SSL_is_init_finished(ssl) || !client_.has_keys || !server_.has_keys) {
    return Verdict::no("its TLS handshake is not finished");
  }
  if (SSL_renegotiate_pending(ssl) || SSL_get_key_update_type(ssl) != SSL_KEY_UPDATE_NONE) {
    return Verdict::no("the keys of its TLS connection are being changed");
  }
  if (SSL_get_current_compression(ssl)) return Verdict::no("it came over TLS with compression");
  if (needs_short_records(ssl)) return Verdict::no("its client takes only short TLS records");
  if (SSL_get_shutdown(ssl) != 0) return Verdict::no("its TLS connection is being closed");
  if (cut && !cut->is_complete()) return Verdict::no("its client is sending a long TLS record");
  if (!has_read_only(ssl, cut)) return Verdict::no("OpenSSL has read a part of its client's next TLS record");
  if (!has_counted_all(ssl, cut)) return Verdict::no("not all of its TLS records were counted");
  tls.version = *version;
  tls.aead = *aead;
  return Verdict::yes();
}

bool TlsTrace::write_keys(const SSL* ssl, TlsState& tls) const {
  const bool is_derived = tls.version == TlsVersion::k12
                              ? derive_keys_of_12(ssl, tls)
                              : write_keys(client_, tls.aead, tls.from_client) &&
                                    write_keys(server_, tls.aead, tls.to_client);
  tls.from_client.sequence = client_.records;
  tls.to_client.sequence = server_.records;
  return is_derived;
}

// TLS 1.3.
bool TlsTrace::write_keys(const Direction& sent, Aead aead, TlsDirection& into) {
  if (sent.secret_bytes != handoff_protocol::secret_bytes(TlsVersion::k13, aead)) return false;
  if (sent.key_updates > kMaxKeyUpdates) return false;
  into.secret = sent.secret;
  if (!handoff_protocol::derive_traffic_keys(aead, into)) return false;
  for (int i = 0; i < sent.key_updates; ++i) {
    if (!handoff_protocol::update_traffic_keys(aead, into)) return false;
  }
  return true;
}

void TlsTrace::wipe() {
  explicit_bzero(this, sizeof *this);
}

}  // namespace socket_handoff
