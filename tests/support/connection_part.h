// SPDX-License-Identifier: Apache-2.0
// The connection part of a hand-off's message, as the module writes it.

#pragma once

#include <array>
#include <string>

#include "protocol/connection_part.h"

namespace streaming {

inline std::string connection_part(const handoff_protocol::ConnectionState& connection) {
  std::array<std::uint8_t, handoff_protocol::kMaxConnectionPartBytes> room;
  const std::size_t bytes = handoff_protocol::write_connection_part(connection, room);
  return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes)};
}

inline std::string connection_part(const handoff_protocol::TlsState& tls) {
  return connection_part(handoff_protocol::ConnectionState{.tls = tls});
}

}  // namespace streaming
