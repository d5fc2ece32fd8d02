// The daemon's answer to a hand-off: how it is read, and what it means.

#pragma once

#include <chrono>
#include <string_view>

namespace socket_handoff {

// The daemon's answer to a hand-off: "A", or "R" and a JSON object with the status that the client should get. Pure;
// the daemon is another program, so nothing that it says is believed before it was checked.
struct DaemonAnswer {
  enum class Kind {
    kNothing,  // not a byte
    kAccepted,
    kRefused,
    kNotAnAnswer,  // neither
  };

  Kind kind = Kind::kNothing;
  bool is_whole = false;        // no byte is missing; a refusal to a SOCK_STREAM connection may come in pieces
  int status = 503;             // of a refusal: 400 to 599, 503 where the daemon named no such status
  int retry_after_seconds = 0;  // likewise, 0 where the daemon named none
};

DaemonAnswer parse_daemon_answer(std::string_view text);

// Waits for the daemon's answer on the connection that the hand-off was sent over. Blocks the calling Apache thread for
// at most the time allowed.
struct ReceivedAnswer {
  enum class End {
    kAnswered,   // `answer` says what
    kClosed,     // the daemon closed without a word: it has crashed, or does not know that it should answer
    kReset,      // it closed, or died, and had not read all of the hand-off
    kUndecided,  // the time is up, or what came is no answer: the daemon may be writing to the client
  };

  End end = End::kUndecided;
  DaemonAnswer answer;
};

ReceivedAnswer receive_answer(int daemon, std::chrono::milliseconds time_allowed);

}  // namespace socket_handoff
