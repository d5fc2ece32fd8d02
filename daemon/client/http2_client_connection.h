// SPDX-License-Identifier: Apache-2.0
// Http2ClientConnection: HTTP/2, over TLS or not. See client_connection.h.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/undumped_pool.h"
#include "client/client_connection.h"
#include "client/http2_answer.h"
#include "client/tls_client_connection.h"

namespace streaming {

// In a pool, because objects of this size would tear the allocator's memory into pieces: 27 bytes more a stream.
class Http2ClientConnection final : public ClientConnection, public InUndumpedPool<Http2ClientConnection> {
 public:
  // `tls` is null without TLS. `frames` were received before the hand-off.
  Http2ClientConnection(const handoff_protocol::Http2State& state, std::span<const std::uint8_t> frames,
                        std::unique_ptr<TlsClientConnection> tls);

  std::optional<Written> write(TlsCiphers& ciphers, std::string_view text, End end, Buffer& bytes) override;
  bool has_to_reply() const override { return answer_.has_to_reply() || (tls_ && tls_->has_to_reply()); }
  bool wants_head() const override { return answer_.wants_head(); }
  Received receive(TlsCiphers& ciphers, std::span<char> bytes) override;
  Received received() const override;
  std::string_view error_name() const override { return answer_.error_name(); }
  std::size_t incomplete_bytes() const override { return tls_ ? tls_->incomplete_bytes() : 0; }
  void drop_incomplete() override {
    if (tls_) tls_->drop_incomplete();
  }
  void keep(std::unique_ptr<Lease> lease) override { lease_ = std::move(lease); }

 private:
  Http2Answer answer_;
  const std::unique_ptr<TlsClientConnection> tls_;
  std::unique_ptr<Lease> lease_;
};

// A waiting stream over HTTP/2 costs 0.1 KB more than a plain one, and with TLS at most 0.35 KB.
static_assert(sizeof(Http2ClientConnection) <= 96);

}  // namespace streaming
