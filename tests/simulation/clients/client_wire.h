// SPDX-License-Identifier: Apache-2.0
// ClientWire: what is between a client's connection and the response that it reads: nothing, TLS, HTTP/2, or both. In
// memory. One thread, the world's.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "simulation/clients/client_tls.h"
#include "simulation/clients/http_response.h"
#include "simulation/random.h"
#include "support/http2_peer.h"

namespace streaming::simulation {

class ClientWire {
 public:
  enum class Kind : std::uint8_t { kPlain, kTls, kHttp2, kHttp2OverTls };

  ClientWire(Kind kind, Random& random);

  Kind kind() const { return kind_; }
  bool is_http2() const { return http2_ != nullptr; }
  bool is_plain() const { return kind_ == Kind::kPlain; }

  // How the message describes the connection; empty for a plain one.
  const std::string& connection_part() const { return part_; }
  // What the client has sent and Apache has not received.
  const std::string& unreceived() const { return unreceived_; }

  // Reads what the daemon sends, and returns what the client sends in reply.
  std::string receive(std::string_view bytes);

  // What a client may send while it waits.
  std::string chat(Random& random);
  // What none may: the answer may end at once.
  std::string misbehave(Random& random);
  // Windows that were closed open.
  std::string open_windows();
  // The client leaves as its protocol has it, and then closes. Empty if the protocol has nothing for it.
  std::string leave(Random& random);

  HttpResponse response() const;
  // As the protocol has it the answer has ended, and the client may close.
  bool has_ended() const;
  // TLS: close_notify has come.
  bool has_clean_end() const { return !tls_ || tls_->has_clean_end(); }
  bool is_over_tls() const { return tls_ != nullptr; }
  // Whether the answer may break off without a fault of the daemon's.
  bool may_break_off() const { return misbehaves_ || (tls_ && tls_->may_run_out_of_records()); }
  // HTTP/2: the daemon has to wait for the client, and may give it up.
  bool begins_with_small_window() const { return begins_with_small_window_; }
  bool has_left() const { return has_left_; }
  // What no client should have to read; empty: nothing.
  std::string problem() const;

 private:
  static Http2Setup draw_http2(Random& random);
  void describe(Random& random);
  std::string chat_over_tls(Random& random);
  std::string chat_over_http2(Random& random);
  std::string sealed(std::string_view text);

  const Kind kind_;
  std::unique_ptr<ClientTls> tls_;
  std::unique_ptr<Http2Peer> http2_;
  std::string part_;
  std::string unreceived_;
  std::string bytes_;  // of a response of HTTP/1.1
  bool begins_with_small_window_ = false;
  bool misbehaves_ = false;
  bool has_left_ = false;
};

}  // namespace streaming::simulation
