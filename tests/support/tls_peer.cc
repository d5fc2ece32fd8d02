// SPDX-License-Identifier: Apache-2.0
#include "support/tls_peer.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <span>

#include "base/check.h"
#include "protocol/tls_key_schedule.h"

namespace streaming {

using handoff_protocol::Aead;
using handoff_protocol::TlsDirection;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;

namespace {

struct Identity {
  EVP_PKEY* key;
  X509* certificate;
};

Identity make_identity(EVP_PKEY* key) {
  CHECK(key != nullptr);
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
  return {key, certificate};
}

const Identity& identity(bool rsa) {
  if (rsa) {
    static const Identity made = make_identity(EVP_RSA_gen(2048));
    return made;
  }
  static const Identity made = make_identity(EVP_EC_gen("P-256"));
  return made;
}

void set_up(SSL_CTX* context, const TlsSetup& setup) {
  const int version = static_cast<int>(setup.version);
  CHECK(SSL_CTX_set_min_proto_version(context, version) == 1 && SSL_CTX_set_max_proto_version(context, version) == 1);
  if (setup.suite.empty()) return;
  CHECK(setup.version == TlsVersion::k13 ? SSL_CTX_set_ciphersuites(context, setup.suite.c_str()) == 1
                                         : SSL_CTX_set_cipher_list(context, setup.suite.c_str()) == 1);
}

std::string take(SSL* ssl) {
  BIO* bio = SSL_get_wbio(ssl);
  std::string bytes(BIO_ctrl_pending(bio), '\0');
  if (!bytes.empty()) CHECK(BIO_read(bio, bytes.data(), static_cast<int>(bytes.size())) > 0);
  return bytes;
}

void feed(SSL* ssl, std::string_view bytes) {
  if (!bytes.empty()) CHECK(BIO_write(SSL_get_rbio(ssl), bytes.data(), static_cast<int>(bytes.size())) > 0);
}

void set_from_hex(std::span<std::uint8_t> bytes, std::string_view hex) {
  for (std::size_t i = 0; 2 * i < hex.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  }
}

Aead aead_of(const SSL* ssl) {
  switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
    case NID_aes_128_gcm:
      return Aead::kAes128Gcm;
    case NID_aes_256_gcm:
      return Aead::kAes256Gcm;
    default:
      return Aead::kChaCha20Poly1305;
  }
}

void set_key_block(SSL* ssl, TlsState& state) {
  std::array<std::uint8_t, SSL_MAX_MASTER_KEY_LENGTH> master;
  std::array<std::uint8_t, SSL3_RANDOM_SIZE> client_random, server_random;
  SSL_SESSION_get_master_key(SSL_get_session(ssl), master.data(), master.size());
  SSL_get_client_random(ssl, client_random.data(), client_random.size());
  SSL_get_server_random(ssl, server_random.data(), server_random.size());
  const EVP_MD* digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
  CHECK(handoff_protocol::derive_key_block(EVP_MD_get0_name(digest), master, client_random, server_random, state));
}

}  // namespace

TlsPeer::TlsPeer(const TlsSetup& setup)
    : client_context_(SSL_CTX_new(TLS_client_method())), server_context_(SSL_CTX_new(TLS_server_method())) {
  set_up(client_context_.get(), setup);
  set_up(server_context_.get(), setup);
  SSL_CTX_use_certificate(server_context_.get(), identity(setup.rsa_certificate).certificate);
  SSL_CTX_use_PrivateKey(server_context_.get(), identity(setup.rsa_certificate).key);
  SSL_CTX_set_num_tickets(server_context_.get(), setup.tickets);
  if (setup.tickets == 0) SSL_CTX_set_options(server_context_.get(), SSL_OP_NO_TICKET);
  constexpr unsigned char kId[] = "peer";
  SSL_CTX_set_session_id_context(server_context_.get(), kId, sizeof kId);
  SSL_CTX_set_keylog_callback(server_context_.get(), on_key);

  connect(nullptr);
  if (setup.resumes) {
    exchange();  // brings the tickets of TLS 1.3
    // Else the session may not be resumed.
    for (SSL* ssl : {client_.get(), server_.get()}) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
    const std::unique_ptr<SSL_SESSION, Free> session(SSL_get1_session(client_.get()));
    connect(session.get());
  }
  for (int i = 0; i < setup.exchanges; ++i) exchange();
}

TlsPeer::~TlsPeer() = default;

void TlsPeer::on_key(const SSL* ssl, const char* line) {
  TlsPeer& self = *static_cast<TlsPeer*>(SSL_get_app_data(ssl));
  const std::string_view text = line;
  const std::string secret(text.substr(text.rfind(' ') + 1));
  if (text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) self.client_secret_ = secret;
  if (text.starts_with("SERVER_TRAFFIC_SECRET_0 ")) self.server_secret_ = secret;
}

// The number of the next record is that of the records since the last change of the key: behind ChangeCipherSpec in TLS
// 1.2, behind Finished in TLS 1.3.
void TlsPeer::on_message(int is_written, int version, int type, const void* message, std::size_t, SSL*, void* peer) {
  TlsPeer& self = *static_cast<TlsPeer*>(peer);
  std::uint64_t& records = is_written ? self.records_written_ : self.records_read_;
  const unsigned char kind = *static_cast<const unsigned char*>(message);
  if (type == SSL3_RT_HEADER) {
    records = kind == SSL3_RT_CHANGE_CIPHER_SPEC ? 0 : records + 1;
  } else if (version == TLS1_3_VERSION && type == SSL3_RT_HANDSHAKE && kind == SSL3_MT_FINISHED) {
    records = 0;
  }
}

void TlsPeer::connect(SSL_SESSION* session) {
  client_.reset(SSL_new(client_context_.get()));
  server_.reset(SSL_new(server_context_.get()));
  for (SSL* ssl : {client_.get(), server_.get()}) SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(client_.get());
  SSL_set_accept_state(server_.get());
  SSL_set_app_data(server_.get(), this);
  SSL_set_msg_callback(server_.get(), on_message);
  SSL_set_msg_callback_arg(server_.get(), this);
  if (session != nullptr) CHECK(SSL_set_session(client_.get(), session) == 1);
  sent_by_server_.clear();
  for (int flights = 0; flights < 3; ++flights) {
    SSL_do_handshake(client_.get());
    feed(server_.get(), take(client_.get()));
    SSL_do_handshake(server_.get());
    feed(client_.get(), take_from_server());
  }
  CHECK(SSL_is_init_finished(client_.get()) && SSL_is_init_finished(server_.get()));
}

void TlsPeer::exchange() {
  std::array<char, 64> room;
  std::size_t bytes = 0;
  feed(server_.get(), write("GET / HTTP/1.1\r\n\r\n"));
  CHECK(SSL_read_ex(server_.get(), room.data(), room.size(), &bytes) == 1);
  CHECK(SSL_write_ex(server_.get(), "HTTP/1.1 204 No Content\r\n\r\n", 27, &bytes) == 1);
  CHECK(read(take_from_server()).starts_with("HTTP/1.1 204"));
}

std::string TlsPeer::take_from_server() {
  std::string records = take(server_.get());
  sent_by_server_ += records;
  return records;
}

TlsState TlsPeer::server_state() const {
  TlsState state;
  state.version = static_cast<TlsVersion>(SSL_version(server_.get()));
  state.aead = aead_of(server_.get());
  if (state.version == TlsVersion::k13) {
    set_from_hex(state.from_client.secret, client_secret_);
    set_from_hex(state.to_client.secret, server_secret_);
    for (TlsDirection* direction : {&state.from_client, &state.to_client}) {
      CHECK(handoff_protocol::derive_traffic_keys(state.aead, *direction));
    }
  } else {
    set_key_block(server_.get(), state);
  }
  state.from_client.sequence = records_read_;
  state.to_client.sequence = records_written_;
  return state;
}

std::string TlsPeer::read(std::string_view records) {
  feed(client_.get(), records);
  std::string text;
  std::array<char, 16 * 1024> room;
  std::size_t bytes = 0;
  ERR_clear_error();
  while (SSL_read_ex(client_.get(), room.data(), room.size(), &bytes) == 1) text.append(room.data(), bytes);
  const int problem = SSL_get_error(client_.get(), 0);
  if (problem == SSL_ERROR_ZERO_RETURN) {
    has_clean_end_ = true;
  } else if (problem != SSL_ERROR_WANT_READ) {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    error_ = reason == nullptr ? "unknown" : reason;
  }
  return text;
}

void TlsPeer::end_of_file() {
  BIO_set_mem_eof_return(SSL_get_rbio(client_.get()), 0);
  read("");
}

std::string TlsPeer::write(std::string_view text) {
  std::size_t bytes = 0;
  if (!text.empty()) CHECK(SSL_write_ex(client_.get(), text.data(), text.size(), &bytes) == 1);
  return take(client_.get());
}

std::string TlsPeer::update_keys(bool requests_update) {
  EXPECT_EQ(SSL_key_update(client_.get(), requests_update ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
            1);
  EXPECT_EQ(SSL_do_handshake(client_.get()), 1);
  return take(client_.get());
}

std::string TlsPeer::close() {
  SSL_shutdown(client_.get());
  return take(client_.get());
}

}  // namespace streaming
