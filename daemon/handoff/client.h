// SPDX-License-Identifier: Apache-2.0
// Client: a client's connection, as a hand-off brings it. A value with one owner: the hand-off's connection, then the
// stream.

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/unique_fd.h"
#include "client/client_connection.h"

namespace streaming {

enum class Transport : std::uint8_t {
  kPlain,    // HTTP over TCP
  kTls,      // HTTP over TLS: the daemon makes the records
  kRelayed,  // HTTP over a Unix socket: Apache reads it and writes to the client
  kH2,       // HTTP/2 over TLS: the daemon makes frames and records
  kH2c,      // HTTP/2 over TCP
};

constexpr bool is_http2(Transport transport) {
  return transport == Transport::kH2 || transport == Transport::kH2c;
}

// In the log, in /streams and in metrics.
constexpr std::string_view name(Transport transport) {
  switch (transport) {
    case Transport::kPlain:
      return "plain";
    case Transport::kTls:
      return "tls";
    case Transport::kRelayed:
      return "relayed";
    case Transport::kH2:
      return "h2";
    case Transport::kH2c:
      return "h2c";
  }
  return "";
}

struct Client {
  UniqueFd socket;
  Transport transport = Transport::kPlain;
  std::unique_ptr<ClientConnection> connection = {};  // null if the transport is plain or relayed
};

}  // namespace streaming
