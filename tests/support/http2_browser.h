// SPDX-License-Identifier: Apache-2.0
// Http2Browser: nghttp2's client on TCP or over OpenSSL's TLS, which has opened its connection and sent its request
// before the hand-off, as in Apache. One thread.

#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "support/connection_part.h"
#include "support/daemon_process.h"
#include "support/http2_peer.h"
#include "support/tcp_sockets.h"
#include "support/tls_peer.h"

namespace streaming {

class Http2Browser {
 public:
  Http2Browser(bool over_tls, const Http2Setup& setup = {}) : http2(setup) {
    if (over_tls) tls_ = std::make_unique<TlsPeer>();
  }

  using Sockets = std::pair<UniqueFd, UniqueFd>;  // Apache's and the browser's

  void hand_over(const DaemonProcess& daemon, std::string_view payload, Sockets sockets = tcp_pair()) {
    const UniqueFd client = leave_apache(std::move(sockets));
    daemon.hand_over(part() + std::string(payload), {client.get()});
  }
  // Apache's end, which goes to the daemon with the part.
  UniqueFd leave_apache(Sockets sockets = tcp_pair()) {
    socket_ = std::move(sockets.second);
    return std::move(sockets.first);
  }
  std::string part() const {
    handoff_protocol::ConnectionState state{.http2 = http2.server_state()};
    if (tls_) state.tls = tls_->server_state();
    return connection_part(state);
  }
  // Sends what there is to send, and reads once; false at the end of the connection.
  bool turn() {
    const std::string frames = http2.write();
    const std::string bytes = tls_ && !frames.empty() ? tls_->write(frames) : frames;
    if (!bytes.empty()) {
      EXPECT_EQ(send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }
    const std::string received = read_some(socket_.get());
    http2.read(tls_ ? tls_->read(received) : received);
    return !received.empty();
  }
  void read_to_end() {
    while (turn()) {
    }
  }
  void read_answer() {
    while (!http2.is_whole() && turn()) {
    }
  }
  bool has_clean_end() const { return http2.is_whole() && (!tls_ || tls_->has_clean_end()); }
  void close() { socket_.reset(); }

  Http2Peer http2;

 private:
  std::unique_ptr<TlsPeer> tls_;
  UniqueFd socket_;
};

}  // namespace streaming
