// SPDX-License-Identifier: Apache-2.0
// The fixtures of tests of a stream to a client over HTTP/2: nghttp2's, over TCP or over OpenSSL's TLS.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "stream/limits.h"
#include "stream/stream_fixture.h"
#include "support/http2_peer.h"
#include "support/tls_peer.h"

namespace streaming {

class Http2StreamTest : public StreamTest {
 protected:
  explicit Http2StreamTest(const StreamSettings& settings = kSettings, const Http2Setup& setup = {})
      : StreamTest(settings), peer(setup) {}

  virtual handoff_protocol::ConnectionState connection() { return {.http2 = peer.server_state()}; }
  virtual Transport transport() { return Transport::kH2c; }
  virtual void peer_reads(std::string_view bytes) { peer.read(bytes); }
  virtual std::string peer_writes() { return peer.write(); }

  Client http2_client() { return http2_client(connection()); }
  Client http2_client(const handoff_protocol::ConnectionState& state) {
    return {UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0)), transport(), ClientConnection::make(state)};
  }
  void open_http2(bool continues = false) {
    Client client = http2_client();
    open_with(client, continues);
  }
  void open_with(Client& client, bool continues = false) {
    auto request = std::make_unique<HandoffRequest>();
    request->apache.protocol = "HTTP/2.0";
    request->continue_without_client = continues;
    ASSERT_TRUE(table.open(client, std::move(request), backend));
    pass(kHttp2HeadDelay);
  }
  // Lets everything go, and the client read it.
  void read_all() { peer_reads(send_all()); }
  // What the client has to send arrives and is received.
  void client_sends() { client_sends(peer_writes()); }
  void client_sends(std::string bytes) {
    ring.complete(Operation::kClientWatch, POLLIN);
    ring.complete(Operation::kClientReceive, static_cast<std::int32_t>(bytes.size()), false, bytes);
    timers.end_turn();
  }
  void client_closes() {
    client_leaves();
    finish();
  }
  // The answer has ended, and the client has read it.
  void end_answer() {
    backend.sink->on_end(FinishReason::kStop);
    end_of_turn();
    read_all();
    EXPECT_TRUE(peer.is_whole()) << peer.error();
  }

  Http2Peer peer;
};

class Http2OverTlsTest : public Http2StreamTest {
 protected:
  handoff_protocol::ConnectionState connection() override {
    return {.tls = tls.server_state(), .http2 = peer.server_state()};
  }
  Transport transport() override { return Transport::kH2; }
  void peer_reads(std::string_view bytes) override { peer.read(tls.read(bytes)); }
  std::string peer_writes() override { return tls.write(peer.write()); }

  TlsPeer tls;
};

}  // namespace streaming
