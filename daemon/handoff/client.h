// SPDX-License-Identifier: Apache-2.0
// Client: a client's connection, as a hand-off brings it. A value with one owner: the hand-off's connection, then the
// stream.

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/unique_fd.h"
#include "tls/tls_connection.h"

namespace streaming {

enum class Transport : std::uint8_t {
  kPlain,    // HTTP over TCP
  kTls,      // HTTP over TLS: the daemon makes the records
  kRelayed,  // HTTP over a Unix socket: Apache reads it and writes to the client
};

// In the log, in /streams and in metrics.
constexpr std::string_view name(Transport transport) {
  switch (transport) {
    case Transport::kPlain:
      return "plain";
    case Transport::kTls:
      return "tls";
    case Transport::kRelayed:
      return "relayed";
  }
  return "";
}

struct Client {
  UniqueFd socket;
  Transport transport = Transport::kPlain;
  std::unique_ptr<TlsConnection> tls = {};  // null unless the transport is TLS
};

}  // namespace streaming
