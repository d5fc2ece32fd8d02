// SPDX-License-Identifier: Apache-2.0
// TlsClientConnection: HTTP/1.x over TLS, or what HTTP/2 goes over. See client_connection.h.

#pragma once

#include <cstddef>

#include "base/undumped_pool.h"
#include "client/client_connection.h"
#include "tls/tls_connection.h"

namespace streaming {

// No core dump contains a connection's keys.
class TlsClientConnection final : public ClientConnection, public InUndumpedPool<TlsClientConnection> {
 public:
  explicit TlsClientConnection(const handoff_protocol::TlsState& state) : tls_(state) {}

  std::optional<Written> write(TlsCiphers& ciphers, std::string_view text, End end, Buffer& bytes) override;
  bool has_to_reply() const override { return tls_.has_to_answer(); }
  Received receive(TlsCiphers& ciphers, std::span<char> bytes) override { return receive(ciphers, bytes, nullptr); }
  // Likewise, and gives `texts` what is in the records.
  Received receive(TlsCiphers& ciphers, std::span<char> bytes, TextReceiver* texts);
  Received received() const override { return of(tls_.received()); }
  std::size_t incomplete_bytes() const override { return tls_.incomplete_bytes(); }
  void drop_incomplete() override { tls_.drop_incomplete(); }

 private:
  static Received of(TlsConnection::Received received);

  TlsConnection tls_;
};

// What a waiting TLS stream costs more than a plain one: at most 0.25 KB with the stream's pointer.
static_assert(sizeof(TlsClientConnection) <= 240);

}  // namespace streaming
