// One of the sockets that a hand-off may go to, and what became of it there. Lives on the stack of the Apache thread
// that serves the request.

#pragma once

#include <cerrno>

#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

struct Candidate {
  enum class State {
    kUnreachable,  // not tried yet, or `error` says why not
    kNotAllowed,   // `problem` says why
    kConnected,    // the hand-off is on its way, or was taken
    kNotTaken,     // connected, but `error` kept the message from being sent
    kClosed,       // the daemon closed without a word, or without having read the message
    kRefused,      // with `status` and `retry_after_seconds`
  };

  const char* path = nullptr;
  State state = State::kUnreachable;
  PathProblem problem = PathProblem::kNone;
  int error = 0;
  int attempts = 0;
  int status = 0;
  int retry_after_seconds = 0;

  // Nobody listens there.
  bool is_down() const { return state == State::kUnreachable && (error == ENOENT || error == ECONNREFUSED); }

  // Worth another attempt: for what a daemon that is starting, restarting or busy causes.
  bool may_be_reached_later() const { return is_down() || (state == State::kUnreachable && error == EAGAIN); }
};

}  // namespace socket_handoff
