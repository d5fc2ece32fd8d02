// Which sockets a hand-off may go to: the rules of the request's section, and what its data allows. Pure; borrows the
// prefixes from the section's settings.

#pragma once

#include <span>

#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// Servers of other protocols (PHP-FPM, databases) listen on SOCK_STREAM and would take the data for a request of
// theirs. SOCK_SEQPACKET is safe from that: hardly anything else listens there.
enum class StreamSockets {
  kForbidden,
  kUnfitData,  // allowed, but not with this data
  kAllowed,
};

struct SocketRules {
  std::span<const char* const> allowed_prefixes;
  StreamSockets stream_sockets = StreamSockets::kForbidden;
};

constexpr PathProblem problem_of_stream_socket(StreamSockets rule) {
  switch (rule) {
    case StreamSockets::kForbidden:
      return PathProblem::kStreamSocket;
    case StreamSockets::kUnfitData:
      return PathProblem::kUnfitForStreamSocket;
    case StreamSockets::kAllowed:
      break;
  }
  return PathProblem::kNone;
}

}  // namespace socket_handoff
