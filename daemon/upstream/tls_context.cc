// SPDX-License-Identifier: Apache-2.0
#include "upstream/tls_context.h"

#include <openssl/err.h>

#include <cstring>
#include <string_view>

#include "base/check.h"

namespace streaming {
namespace {

// As ALPN has it: each name with its length in front.
constexpr std::string_view kHttpProtocols = "\x02h2\x08http/1.1";
constexpr std::string_view kHttp11Protocols = "\x08http/1.1";

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<ResumableSession*>(SSL_get_app_data(ssl))->reset(session);
  return 1;  // it is ours now
}

}  // namespace

std::string take_tls_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown TLS error" : reason;
}

Result<std::unique_ptr<TlsContext>> TlsContext::create(const std::string& ca_file, bool insecure, Protocols protocols) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  CHECK(context != nullptr);
  std::unique_ptr<TlsContext> made(new TlsContext(context));
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  if (protocols != Protocols::kNone) {
    const std::string_view names = protocols == Protocols::kHttp ? kHttpProtocols : kHttp11Protocols;
    const auto* bytes = reinterpret_cast<const unsigned char*>(names.data());
    CHECK(SSL_CTX_set_alpn_protos(context, bytes, static_cast<unsigned>(names.size())) == 0);
  }
  // RELEASE_BUFFERS: a connection that waits holds no records.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record, and those after it, are taken by one read instead of two for each.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  if (insecure) return made;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (ca_file.empty()) {
    CHECK(SSL_CTX_set_default_verify_paths(context) == 1);
  } else if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return Error{"cannot read the certificates of " + ca_file + ": " + take_tls_error()};
  }
  return made;
}

SSL* TlsContext::make_ssl(ResumableSession& resumable) const {
  SSL* ssl = SSL_new(context_);
  CHECK(ssl != nullptr);
  SSL_set_app_data(ssl, &resumable);
  if (resumable != nullptr) SSL_set_session(ssl, resumable.get());
  return ssl;
}

}  // namespace streaming
