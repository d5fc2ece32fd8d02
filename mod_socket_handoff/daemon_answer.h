// SPDX-License-Identifier: Apache-2.0
// The daemon's answer to a hand-off: how it is read, and what it means. Pure: knows nothing of httpd.

#pragma once

#include <chrono>
#include <string_view>

namespace socket_handoff {

// "A"; "A" and kRelayOnly; or "R" and a JSON object with the status that the client should get. The daemon is another
// program, so each value is checked before it is used.
struct DaemonAnswer {
  enum class Kind {
    kNothing,  // not a byte
    kAccepted,
    kRefused,
    kNotAnAnswer,  // neither
  };

  Kind kind = Kind::kNothing;
  bool is_relay_only = false;   // of an acceptance: the client must come as one end of a socket pair
  bool is_whole = false;        // no byte is missing; a refusal on a SOCK_STREAM connection may come in pieces
  int status = 503;             // of a refusal: 400 to 599; 503 if the daemon named no such status
  int retry_after_seconds = 0;  // of a refusal: 1 to 86400; 0 if the daemon named no such time
  int connection_version = 0;   // of a refusal: the newest connection part that the daemon knows; 0: none
};

DaemonAnswer parse_daemon_answer(std::string_view text);

struct ReceivedAnswer {
  enum class End {
    kAnswered,   // `answer` is whole enough to act on
    kClosed,     // the daemon closed without an answer: it has crashed, or never answers
    kReset,      // the daemon closed, or died, before it had read all of the hand-off
    kUndecided,  // the time is up, or what came is not an answer: the daemon may be writing to the client
  };

  End end = End::kUndecided;
  DaemonAnswer answer;
};

// Waits for the answer on the connection that the hand-off was sent over. Borrows the connection, and blocks the
// calling Apache thread for at most the time allowed.
ReceivedAnswer receive_answer(int daemon, std::chrono::milliseconds time_allowed);

}  // namespace socket_handoff
