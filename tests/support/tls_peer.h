// SPDX-License-Identifier: Apache-2.0
// TlsPeer: a client of OpenSSL, behind its handshake with a server of OpenSSL that stops there: mod_socket_handoff reads
// its side of the connection as in Apache. Both are in memory, and know no sockets: what one sends is a string, and goes
// to the other by a call.
//
// One thread. Keys and certificates are made once per process.

#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mod_socket_handoff/cut_record.h"
#include "mod_socket_handoff/tls_trace.h"
#include "protocol/connection_part.h"

namespace streaming {

struct TlsSetup {
  handoff_protocol::TlsVersion version = handoff_protocol::TlsVersion::k13;
  std::string suite;             // OpenSSL's name; empty: what it prefers
  bool rsa_certificate = false;  // else ECDSA
  std::size_t tickets = 2;       // that the server sends; 0 turns tickets off in TLS 1.2
  bool resumes = false;          // a session of an earlier connection
  int exchanges = 0;             // requests that the server has answered
  unsigned char max_fragment_length = TLSEXT_max_fragment_length_DISABLED;  // that the client asks for
};

class TlsPeer {
 public:
  explicit TlsPeer(const TlsSetup& setup = {});
  ~TlsPeer();
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  // The server's side, as mod_socket_handoff hands it over.
  handoff_protocol::TlsState server_state() const;
  // Why it would not hand it over; empty if it would.
  std::string why_not() const;
  // Likewise, together with what the server has read of a record that is cut, which the state does not count.
  handoff_protocol::TlsState server_state(std::string& cut_record) const;
  std::string why_not_with_cut_record() const;
  void log_key(std::string_view line) { trace_.on_key_log_line(line); }
  void wipe_trace() { trace_.wipe(); }
  // All records that the server has sent.
  const std::string& sent_by_server() const { return sent_by_server_; }
  bool has_resumed() const { return SSL_session_reused(client_.get()) == 1; }

  // The client reads `records`, any part of what the other side sends; returns the text in them.
  std::string read(std::string_view records);
  // The connection ends for the client.
  void end_of_file();
  // The client has seen close_notify, the only clean end.
  bool has_clean_end() const { return has_clean_end_; }
  // Why the client has given the connection up; empty while it has not.
  const std::string& error() const { return error_; }

  // What the client sends: text, or without text what it has to send by itself.
  std::string write(std::string_view text);
  std::string update_keys(bool requests_update);

  // What else the server may do before it stops. It reads what the client sends, and answers it.
  void exchange();
  // Likewise, while another module has replaced the connection's message callback.
  void exchange_uncounted();
  // Likewise, while nothing follows the client's records.
  void exchange_unseen();
  void exchange_keys(bool requests_update);
  void server_updates_keys();
  void authenticate_client();  // TLS 1.3
  void renegotiate();          // TLS 1.2
  void server_reads(std::string_view records);
  std::string close();

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };

  static void on_key(const SSL* ssl, const char* line);

  void connect(SSL_SESSION* session);
  void feed_server(std::string_view records);
  std::string take_from_server();

  std::unique_ptr<SSL_CTX, Free> client_context_, server_context_;
  std::unique_ptr<SSL, Free> client_, server_;
  socket_handoff::TlsTrace trace_;    // of the server
  socket_handoff::CutRecord cut_;     // likewise
  std::string sent_by_server_;
  std::string error_;
  bool has_clean_end_ = false;
};

}  // namespace streaming
