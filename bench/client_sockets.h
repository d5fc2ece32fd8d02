// SPDX-License-Identifier: Apache-2.0
// ClientSockets: makes the sockets that are handed over, and their other ends, on which the generator acts as the
// client.
//
// One per generator process.

#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bench/options.h"

namespace streaming::bench {

struct ClientPair {
  UniqueFd near;    // the generator's; non-blocking
  UniqueFd handed;  // the daemon's
};

class ClientSockets {
 public:
  // Loopback listeners, for TCP clients.
  static Result<ClientSockets> create(ClientKind kind);

  Result<ClientPair> make();

 private:
  struct Listener {
    UniqueFd socket;
    sockaddr_in address{};
  };

  explicit ClientSockets(ClientKind kind) : kind_(kind) {}

  Status listen_on(std::uint32_t host);
  Result<ClientPair> make_unix();
  Result<ClientPair> make_tcp();

  ClientKind kind_;
  std::vector<Listener> listeners_;
  std::size_t next_listener_ = 0;
};

}  // namespace streaming::bench
