// SPDX-License-Identifier: Apache-2.0
#include "support/tls_peer.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "base/check.h"

namespace streaming {

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

EVP_PKEY* read_rsa_key() {
  BIO* file = BIO_new_file(RSA_KEY, "r");
  EVP_PKEY* key = PEM_read_bio_PrivateKey(file, nullptr, nullptr, nullptr);
  BIO_free(file);
  return key;
}

const Identity& identity(bool rsa) {
  if (rsa) {
    static const Identity made = make_identity(read_rsa_key());
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
  SSL_CTX_set_post_handshake_auth(client_context_.get(), 1);
  CHECK(SSL_CTX_set_tlsext_max_fragment_length(client_context_.get(), setup.max_fragment_length) == 1);

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
  static_cast<TlsPeer*>(SSL_get_app_data(ssl))->trace_.on_key_log_line(line);
}

void TlsPeer::connect(SSL_SESSION* session) {
  client_.reset(SSL_new(client_context_.get()));
  server_.reset(SSL_new(server_context_.get()));
  for (SSL* ssl : {client_.get(), server_.get()}) SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(client_.get());
  SSL_set_accept_state(server_.get());
  SSL_set_app_data(server_.get(), this);
  trace_ = {};
  cut_ = {};
  trace_.watch(server_.get());
  if (session != nullptr) CHECK(SSL_set_session(client_.get(), session) == 1);
  sent_by_server_.clear();
  for (int flights = 0; flights < 3; ++flights) {
    SSL_do_handshake(client_.get());
    feed_server(take(client_.get()));
    SSL_do_handshake(server_.get());
    feed(client_.get(), take_from_server());
  }
  CHECK(SSL_is_init_finished(client_.get()) && SSL_is_init_finished(server_.get()));
}

void TlsPeer::feed_server(std::string_view records) {
  feed(server_.get(), records);
  cut_.take({reinterpret_cast<const std::uint8_t*>(records.data()), records.size()});
}

void TlsPeer::exchange() {
  std::array<char, 64> room;
  std::size_t bytes = 0;
  feed_server(write("GET / HTTP/1.1\r\n\r\n"));
  CHECK(SSL_read_ex(server_.get(), room.data(), room.size(), &bytes) == 1);
  CHECK(SSL_write_ex(server_.get(), "HTTP/1.1 204 No Content\r\n\r\n", 27, &bytes) == 1);
  CHECK(read(take_from_server()).starts_with("HTTP/1.1 204"));
}

void TlsPeer::exchange_uncounted() {
  SSL_set_msg_callback(server_.get(), nullptr);
  exchange();
  trace_.watch(server_.get());
}

void TlsPeer::exchange_unseen() {
  const socket_handoff::CutRecord before = cut_;
  exchange();
  cut_ = before;
}

std::string TlsPeer::take_from_server() {
  std::string records = take(server_.get());
  sent_by_server_ += records;
  return records;
}

TlsState TlsPeer::server_state() const {
  TlsState state;
  const socket_handoff::Verdict verdict = trace_.read(server_.get(), state);
  EXPECT_TRUE(verdict.is_yes()) << verdict.reason();
  return state;
}

std::string TlsPeer::why_not() const {
  TlsState state;
  const socket_handoff::Verdict verdict = trace_.read(server_.get(), state);
  return verdict.is_yes() ? "" : verdict.reason();
}

TlsState TlsPeer::server_state(std::string& cut_record) const {
  TlsState state;
  const socket_handoff::Verdict verdict = trace_.read(server_.get(), state, &cut_);
  EXPECT_TRUE(verdict.is_yes()) << verdict.reason();
  cut_record.assign(cut_.bytes().begin(), cut_.bytes().end());
  return state;
}

std::string TlsPeer::why_not_with_cut_record() const {
  TlsState state;
  const socket_handoff::Verdict verdict = trace_.read(server_.get(), state, &cut_);
  return verdict.is_yes() ? "" : verdict.reason();
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

void TlsPeer::server_reads(std::string_view records) {
  std::array<char, 64> room;
  std::size_t bytes = 0;
  feed_server(records);
  while (SSL_read_ex(server_.get(), room.data(), room.size(), &bytes) == 1) {
  }
  EXPECT_EQ(read(take_from_server()), "");
}

void TlsPeer::exchange_keys(bool requests_update) {
  server_reads(update_keys(requests_update));
}

void TlsPeer::server_updates_keys() {
  CHECK(SSL_key_update(server_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(server_.get()) == 1);
  EXPECT_EQ(read(take_from_server()), "");
}

void TlsPeer::authenticate_client() {
  SSL_set_verify(server_.get(), SSL_VERIFY_PEER, nullptr);
  CHECK(SSL_verify_client_post_handshake(server_.get()) == 1 && SSL_do_handshake(server_.get()) == 1);
  EXPECT_EQ(read(take_from_server()), "");
  server_reads(take(client_.get()));
}

void TlsPeer::renegotiate() {
  CHECK(SSL_renegotiate(server_.get()) == 1 && SSL_do_handshake(server_.get()) == 1);
  EXPECT_EQ(read(take_from_server()), "");
  for (int flights = 0; flights < 3; ++flights) server_reads(take(client_.get()));
  CHECK(SSL_is_init_finished(client_.get()) && SSL_is_init_finished(server_.get()));
}

std::string TlsPeer::close() {
  SSL_shutdown(client_.get());
  return take(client_.get());
}

}  // namespace streaming
