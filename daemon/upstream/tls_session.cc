// SPDX-License-Identifier: Apache-2.0
#include "upstream/tls_session.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace streaming {
namespace {

// SSL_get_error() takes any error in the thread's queue for the call's. To clear an empty queue costs three times what a
// look does.
void clear_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

TlsSession::TlsSession(const TlsContext& context, ResumableSession& resumable, const std::string& host, Buffer& output)
    : ssl_(context.make_ssl(resumable)), output_(output) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl_);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // An address is no name: it stands elsewhere in the certificate, and servers are not asked for one by it.
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
    ERR_clear_error();
    CHECK(SSL_set1_host(ssl_, host.c_str()) == 1);
    SSL_set_tlsext_host_name(ssl_, host.c_str());
  }
  BIO* bio = BIO_new(bio_method());
  CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_connect_state(ssl_);
}

TlsSession::~TlsSession() {
  // Else OpenSSL forbids its resumption.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN);
  SSL_free(ssl_);
}

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "TlsSession");
    CHECK(made != nullptr);
    BIO_meth_set_read(made, on_bio_read);
    BIO_meth_set_write(made, on_bio_write);
    BIO_meth_set_ctrl(made, on_bio_control);
    return made;
  }();
  return method;
}

int TlsSession::on_bio_read(BIO* bio, char* room, int size) {
  auto& self = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.input_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(self.input_.size(), static_cast<std::size_t>(size));
  std::memcpy(room, self.input_.data(), count);
  self.input_.remove_prefix(count);
  return static_cast<int>(count);
}

int TlsSession::on_bio_write(BIO* bio, const char* bytes, int size) {
  static_cast<TlsSession*>(BIO_get_data(bio))->output_.append({bytes, static_cast<std::size_t>(size)});
  return size;
}

long TlsSession::on_bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

TlsSession::Outcome TlsSession::handshake() {
  clear_errors();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Outcome::kDone;
  const long verified = SSL_get_verify_result(ssl_);
  const Outcome outcome = outcome_of(result);
  if (outcome == Outcome::kFailed && verified != X509_V_OK) {
    error_ = std::string("the server's certificate is not trusted: ") + X509_verify_cert_error_string(verified);
  }
  return outcome;
}

std::string_view TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

TlsSession::Outcome TlsSession::read(std::span<char> room, std::span<const char>& got) {
  clear_errors();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_, room.data(), room.size(), &count);
  got = room.first(count);
  return result == 1 ? Outcome::kDone : outcome_of(result);
}

void TlsSession::write(std::span<const char> bytes) {
  clear_errors();
  std::size_t written = 0;
  // There is always room in the output: it writes all, or the session has failed, which the next read() tells.
  SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
}

void TlsSession::say_goodbye() {
  clear_errors();
  SSL_shutdown(ssl_);
}

TlsSession::Outcome TlsSession::outcome_of(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kWantsMore;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::kEnded;
    default:
      error_ = "TLS: " + take_tls_error();
      return Outcome::kFailed;
  }
}

}  // namespace streaming
