// SPDX-License-Identifier: Apache-2.0
// StoreUrl: where the store is. Pure.
//
//   valkey://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]     also redis://; over TLS valkeys:// and rediss://
//   unix:///PATH/OF/SOCKET

#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace streaming {

struct StoreUrl {
  bool tls = false;
  std::string host;  // a name or an address, without brackets; empty: a Unix socket
  std::uint16_t port = 6379;
  std::string socket;
  std::string user;
  std::string password;
  int database = 0;
};

// The Error names what is wrong, without the password.
Result<StoreUrl> parse_store_url(const std::string& text);

}  // namespace streaming
