// Waits for the daemon's answer on the connection that the hand-off was sent over. Blocks the calling Apache thread for
// at most the time allowed.

#pragma once

#include <chrono>

#include "mod_socket_handoff/daemon_answer.h"

namespace socket_handoff {

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
