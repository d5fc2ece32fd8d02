#include "mod_socket_handoff/daemon_search.h"

#include <poll.h>

#include <algorithm>

namespace socket_handoff {
namespace {

void sleep_for(std::chrono::microseconds pause) {
  ::poll(nullptr, 0, static_cast<int>((pause.count() + 999) / 1000));
}

}  // namespace

DaemonSearch::DaemonSearch(SocketMemory& sockets, std::span<Candidate> candidates, const SocketRules& rules,
                           const RetrySchedule& schedule)
    : sockets_(sockets),
      candidates_(candidates),
      rules_(rules),
      schedule_(schedule),
      deadline_(schedule.time_allowed()) {
}

Candidate* DaemonSearch::next(DaemonConnection& connection) {
  do {
    while (position_ < candidates_.size()) {
      Candidate& candidate = candidates_[position_++];
      if (attempt(candidate, connection)) return &candidate;
    }
  } while (wait_for_next_round());
  return nullptr;
}

bool DaemonSearch::attempt(Candidate& candidate, DaemonConnection& connection) {
  if (candidate.attempts > 0 && !candidate.may_be_reached_later()) return false;
  ++candidate.attempts;
  // The path is looked at anew by each attempt: a daemon that was restarted has a new socket under the same name.
  connection = connect_to_daemon(sockets_.known, candidate.path, rules_);
  candidate.error = connection.error;
  candidate.problem = connection.problem;
  if (connection.problem != PathProblem::kNone) candidate.state = Candidate::State::kNotAllowed;
  if (!connection.socket) return false;
  candidate.state = Candidate::State::kConnected;
  return true;
}

// Another hand-off may have waited for it a moment ago, in vain.
bool DaemonSearch::is_worth_waiting_for(const Candidate& candidate) {
  if (!candidate.may_be_reached_later()) return false;
  return retries_ > 0 || !candidate.is_down() || !sockets_.unreachable.contains(candidate.path);
}

void DaemonSearch::remember_what_was_waited_for() {
  for (const Candidate& candidate : candidates_) {
    if (candidate.is_down()) sockets_.unreachable.add(candidate.path);
  }
}

bool DaemonSearch::wait_for_next_round() {
  const bool is_worth_it = std::any_of(candidates_.begin(), candidates_.end(),
                                       [this](const Candidate& candidate) { return is_worth_waiting_for(candidate); });
  if (!is_worth_it || !schedule_.allows_retry(retries_) || deadline_.has_passed()) {
    if (retries_ > 0) remember_what_was_waited_for();
    return false;
  }
  sleep_for(std::min(schedule_.pause_before(retries_), deadline_.remaining()));
  ++retries_;
  position_ = 0;
  return true;
}

}  // namespace socket_handoff
