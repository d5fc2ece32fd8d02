// SPDX-License-Identifier: Apache-2.0
// Origin: where a pool's connections lead, and what they need to know of each other.
//
// Owned by a ConnectionPool; outlives its connections.

#pragma once

#include <cstdint>
#include <string>

#include "upstream/tls_context.h"

namespace streaming {

struct Origin {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  const TlsContext* tls = nullptr;  // null: without TLS; the Http2Client's
  ResumableSession resumable;       // from the last connection for the next one
};

}  // namespace streaming
