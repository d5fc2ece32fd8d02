// SPDX-License-Identifier: Apache-2.0
// Origin: where connections lead, and what they need to know of each other.
//
// Owned by who opens the connections, or by Origins; outlives them.

#pragma once

#include <cstdint>
#include <string>

#include "upstream/tls_context.h"

namespace streaming {

struct Origin {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  std::string unix_socket = {};            // connected to instead of the host
  const TlsContext* tls = nullptr;         // null: without TLS; borrowed
  ResumableSession resumable;              // from the last connection for the next one
  std::string name = "the upstream";       // in errors
};

}  // namespace streaming
