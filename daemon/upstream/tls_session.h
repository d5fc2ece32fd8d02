// SPDX-License-Identifier: Apache-2.0
// TlsSession: one TLS connection between two pieces of memory: what was received goes in, what is to be sent comes out.
//
// Owned by an Http2Connection, on its thread. It knows nothing of sockets, and holds no record while nothing is under
// way.

#pragma once

#include <openssl/ssl.h>

#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "upstream/tls_context.h"

namespace streaming {

class TlsSession {
 public:
  enum class Outcome {
    kDone,       // the handshake is over
    kWantsMore,  // all that was fed is used up
    kEnded,      // the peer said good-bye
    kFailed,     // error() says why
  };

  // `output` is where records to be sent are appended. `host` is a name, or an address as text: the certificate must be
  // for it.
  TlsSession(const TlsContext& context, ResumableSession& resumable, const std::string& host, Buffer& output);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // What was received; to be used up by handshake() or read() before it goes.
  void feed(std::span<const char> received) { input_ = {received.data(), received.size()}; }
  // Whether some of it is not used up yet. It may be a part of a record.
  bool has_input() const { return !input_.empty() || SSL_has_pending(ssl_) == 1; }

  Outcome handshake();
  // What the server chose to speak; after the handshake.
  std::string_view protocol() const;

  // Decrypts into `room`; `got` is empty unless it is kDone.
  Outcome read(std::span<char> room, std::span<const char>& got);
  void write(std::span<const char> bytes);
  void say_goodbye();

  const std::string& error() const { return error_; }

 private:
  static BIO_METHOD* bio_method();
  static int on_bio_read(BIO* bio, char* room, int size);
  static int on_bio_write(BIO* bio, const char* bytes, int size);
  static long on_bio_control(BIO* bio, int command, long, void*);

  Outcome outcome_of(int result);

  SSL* const ssl_;
  Buffer& output_;
  std::string_view input_;
  std::string error_;
};

}  // namespace streaming
