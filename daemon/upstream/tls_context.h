// SPDX-License-Identifier: Apache-2.0
// TlsContext: whom to trust, for all TLS connections of one worker with the same settings. ResumableSession: what one
// origin gave for the next connection to be opened with less work.
//
// Both belong to the worker's Origins, or to another who opens connections, and outlive the TlsSessions that borrow them.

#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace streaming {

struct FreeSslSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using ResumableSession = std::unique_ptr<SSL_SESSION, FreeSslSession>;

class TlsContext {
 public:
  // What servers are offered by ALPN.
  enum class Protocols : std::uint8_t { kHttp, kHttp11, kNone };

  // `ca_file` empty: the system's authorities. `insecure`: nobody is verified.
  static Result<std::unique_ptr<TlsContext>> create(const std::string& ca_file, bool insecure, Protocols protocols);

  ~TlsContext() { SSL_CTX_free(context_); }
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // An SSL that keeps the newest session its server gives it in `resumable`.
  SSL* make_ssl(ResumableSession& resumable) const;

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}

  SSL_CTX* const context_;
};

// What OpenSSL's queue of errors says first, which is empty afterwards.
std::string take_tls_error();

}  // namespace streaming
