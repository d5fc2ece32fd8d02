// Looks for a daemon that can be connected to: round after round over the sockets, in their order, with growing pauses
// between the rounds, inside one deadline for all of them. Blocks the calling Apache thread for at most the time that
// the schedule allows.

#pragma once

#include <span>

#include "mod_socket_handoff/candidate.h"
#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/retry_schedule.h"
#include "mod_socket_handoff/socket_memory.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

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

}  // namespace socket_handoff
