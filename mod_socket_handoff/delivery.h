// Delivers one client to the first daemon that takes it: the candidates, the search for one that can be connected to, and
// the exchange with it.

#pragma once

#include <cerrno>
#include <chrono>
#include <optional>
#include <span>

#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/payload.h"
#include "mod_socket_handoff/socket_memory.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// One of the sockets that a hand-off may go to, and what became of it there. Lives on the stack of the Apache thread
// that serves the request.
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

// When to try again to reach the daemon: the pauses double and together fill the time allowed, so that a full backlog
// is tried again soon and a daemon that is being restarted still gets its whole chance. Pure.
class RetrySchedule {
 public:
  // `max_retries` at most 30, as SocketHandoffMaxRetries' range makes sure.
  constexpr RetrySchedule(std::chrono::milliseconds time_allowed, int max_retries)
      : time_allowed_(time_allowed), max_retries_(max_retries) {}

  constexpr std::chrono::milliseconds time_allowed() const { return time_allowed_; }
  constexpr bool allows_retry(int retries_so_far) const { return retries_so_far < max_retries_; }

  // The pause before retry number `retry`, which counts from 0.
  constexpr std::chrono::microseconds pause_before(int retry) const {
    const std::chrono::microseconds whole = time_allowed_;
    return whole * (1LL << retry) / ((1LL << max_retries_) - 1);
  }

 private:
  std::chrono::milliseconds time_allowed_;
  int max_retries_;
};

// Looks for a daemon that can be connected to: round after round over the sockets, in their order, with growing pauses
// between the rounds, inside one deadline for all of them. Blocks the calling Apache thread for at most the time that
// the schedule allows.
class DaemonSearch {
 public:
  // `sockets` must live as long as this.
  DaemonSearch(SocketMemory& sockets, std::span<Candidate> candidates, const SocketRules& rules,
               const RetrySchedule& schedule);

  // The next candidate that was connected to, and its connection; null where there is none any more. A candidate is
  // given only once: the caller asks again when that one did not take the hand-off.
  Candidate* next(DaemonConnection& connection);

 private:
  bool attempt(Candidate& candidate, DaemonConnection& connection);
  bool is_worth_waiting_for(const Candidate& candidate);
  bool wait_for_next_round();
  void remember_what_was_waited_for();

  SocketMemory& sockets_;
  const std::span<Candidate> candidates_;
  const SocketRules rules_;
  const RetrySchedule schedule_;
  const Deadline deadline_;
  std::size_t position_ = 0;  // in this round
  int retries_ = 0;
};

// Delivers one client to the first daemon that takes it: connects, sends, and waits for the answer where that is asked
// for. Knows nothing of httpd. Blocks the calling Apache thread for as long as its limits allow.
struct DeliveryLimits {
  SocketRules rules;
  RetrySchedule schedule;
  std::chrono::milliseconds send_timeout;
  std::optional<std::chrono::milliseconds> answer_timeout;  // none: nobody waits for an answer
};

struct Delivery {
  enum class End {
    kNotTaken,       // the client is still Apache's; each candidate says why
    kTaken,          // accepted, or sent where nobody waits for an answer
    kTakenSilently,  // likewise, by a daemon that has closed without an answer and never gives one
    kTakenInPart,    // the daemon has the client and not all of the data
    kWithoutAnswer,  // sent, but the answer did not come in time: the daemon may have begun to write
  };

  End end = End::kNotTaken;
  const Candidate* taker = nullptr;  // none where it was not taken
};

Delivery deliver(SocketMemory& sockets, int client, const Payload& payload, std::span<Candidate> candidates,
                 const DeliveryLimits& limits);

// The candidate whose failure decides what the client is told, once none has taken it: a daemon's own word goes before
// that of one that did not answer, and that before a path that is not allowed.
const Candidate& decisive(std::span<const Candidate> candidates);

}  // namespace socket_handoff
