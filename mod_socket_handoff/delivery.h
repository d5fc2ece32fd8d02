// SPDX-License-Identifier: Apache-2.0
// Delivers one client to the first daemon that takes it: the candidates, the search for one that can be connected to,
// and the exchange with it. Pure: knows nothing of httpd. Everything here lives on the stack of the Apache thread that
// serves the request, which deliver() blocks for as long as its limits allow.

#pragma once

#include <cerrno>
#include <chrono>
#include <optional>
#include <span>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/daemon_answer.h"
#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/handoff_message.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// Why a daemon that is there gets no connection over TLS or HTTP/2. Apache can relay its answer.
enum class RelayReason {
  kNone,
  kOlderGeneration,  // it knows no connection part, or had refused one a short while ago
  kNoReservations,   // it knows no reservations, or had not kept one a short while ago
  kStreamSocket,     // it listens on SOCK_STREAM
  kUntrustedUser,    // the user that listens is not one that may be given keys
};

// Half a sentence that follows the socket's path.
const char* explain(RelayReason reason);

// One of the sockets that a hand-off may go to, and what became of the hand-off there.
struct Candidate {
  enum class State {
    kUnreachable,       // not tried yet (no attempts), or `error` is why it could not be connected to
    kNotAllowed,        // `problem` is why
    kConnected,         // the hand-off is on its way, or was taken; or a place is reserved
    kSendFailed,        // connected, but `error` kept the message from being sent
    kClosedUnanswered,  // the daemon closed without an answer, or before it had read the message
    kRefused,           // with `status` and `retry_after_seconds`
    kRelays,            // Apache can relay its answer; `relay_reason` is why it must
  };

  const char* path = nullptr;  // borrowed from the SocketList
  State state = State::kUnreachable;
  PathProblem problem = PathProblem::kNone;
  RelayReason relay_reason = RelayReason::kNone;
  int error = 0;  // errno
  int attempts = 0;
  int status = 0;
  int retry_after_seconds = 0;  // 0: none

  void relay_because(RelayReason reason) {
    state = State::kRelays;
    relay_reason = reason;
  }
  void refuse(const DaemonAnswer& refusal) {
    state = State::kRefused;
    status = refusal.status;
    retry_after_seconds = refusal.retry_after_seconds;
  }

  // No process listens there.
  bool is_down() const { return state == State::kUnreachable && (error == ENOENT || error == ECONNREFUSED); }

  // Whether another attempt may help: the daemon may be starting, restarting or busy.
  bool may_be_reached_later() const { return is_down() || (state == State::kUnreachable && error == EAGAIN); }
};

// When to try again to reach the daemon. The pauses double and together fill the time allowed, so that a full backlog
// is tried again soon, and a daemon that restarts still has all of the time.
class RetrySchedule {
 public:
  static constexpr int kMaxRetries = 30;  // more than SocketHandoffMaxRetries allows; the pauses must fit 64 bits

  constexpr RetrySchedule(std::chrono::milliseconds time_allowed, int max_retries)
      : time_allowed_(time_allowed), max_retries_(max_retries) {
    SH_CHECK(max_retries >= 0 && max_retries <= kMaxRetries);
  }

  constexpr std::chrono::milliseconds time_allowed() const { return time_allowed_; }
  constexpr bool allows_retry(int retries_so_far) const { return retries_so_far < max_retries_; }

  // The pause before retry number `retry`, which counts from 0.
  constexpr std::chrono::microseconds pause_before(int retry) const {
    SH_CHECK(retry >= 0 && retry < max_retries_);
    const std::chrono::microseconds whole = time_allowed_;
    return whole * (1LL << retry) / ((1LL << max_retries_) - 1);
  }

 private:
  std::chrono::milliseconds time_allowed_;
  int max_retries_;
};

// Looks for a daemon that can be connected to: round after round over the candidates, in their order, with growing
// pauses between the rounds and one deadline for all of them. Blocks for at most the time that the schedule allows.
class DaemonSearch {
 public:
  // Borrows `sockets`, `candidates` and the rules' prefixes.
  DaemonSearch(SocketMemory& sockets, std::span<Candidate> candidates, const SocketRules& rules,
               const RetrySchedule& schedule);

  // The next candidate that was connected to, and its connection; null if none is left. Returns a candidate only once:
  // the caller calls again if that one did not take the hand-off.
  Candidate* next(DaemonConnection& connection);

 private:
  bool attempt(Candidate& candidate, DaemonConnection& connection);
  bool is_worth_waiting_for(const Candidate& candidate);
  bool wait_for_next_round();
  void remember_unreachable();

  SocketMemory& sockets_;
  const std::span<Candidate> candidates_;
  const SocketRules rules_;
  const RetrySchedule schedule_;
  const Deadline deadline_;
  std::size_t position_ = 0;  // in this round
  int retries_ = 0;
};

struct DeliveryLimits {
  SocketRules rules;
  RetrySchedule schedule;
  std::chrono::milliseconds send_timeout;
  std::optional<std::chrono::milliseconds> answer_timeout;  // none: do not wait for an answer
  std::span<const uid_t> key_users;  // may be given keys, beside root, Apache's user and the owner of the socket
};

struct Delivery {
  enum class End {
    kNotTaken,       // the client is still Apache's; each candidate has the reason
    kTaken,          // the daemon accepted it, or it was sent and no answer is waited for
    kTakenSilently,  // the daemon has closed without an answer, and is one that never answers
    kTakenInPart,    // the daemon has the client and not all of the data
    kWithoutAnswer,  // sent, but the answer did not come, or not in time: the daemon may have begun to write
  };

  End end = End::kNotTaken;
  const Candidate* taker = nullptr;  // borrowed from the candidates; null if kNotTaken
};

// Whether the daemon may be sent a connection part; with keys also its user counts.
RelayReason check_daemon(const DaemonConnection& daemon, bool with_keys, std::span<const uid_t> key_users);

// Connects, sends, and waits for the answer if the limits have a time for it. Borrows the client's descriptor: the
// caller closes or replaces it. A payload with keys needs a time for the answer: a daemon that does not know them cannot
// answer the client itself.
Delivery deliver(SocketMemory& sockets, int client, const Payload& payload, std::span<Candidate> candidates,
                 const DeliveryLimits& limits);

// The first candidate that could serve the client if Apache relayed its answer; null if there is none.
const Candidate* find_relaying(std::span<const Candidate> candidates);

// Once no candidate has taken the client: the one whose failure decides the client's response. The last refusal takes
// precedence over a failure without an answer, and that over a path that is not allowed.
const Candidate& decisive(std::span<const Candidate> candidates);

}  // namespace socket_handoff
