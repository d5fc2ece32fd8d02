#include "mod_socket_handoff/daemon_search.h"

#include <poll.h>

#include <algorithm>

#include "mod_socket_handoff/daemon_connection.h"

namespace socket_handoff {
namespace {

void sleep_for(std::chrono::microseconds pause) {
  ::poll(nullptr, 0, static_cast<int>((pause.count() + 999) / 1000));
}

}  // namespace

DaemonSearch::DaemonSearch(KnownSockets& known, std::span<Candidate> candidates,
                           std::span<const char* const> allowed_prefixes, const RetrySchedule& schedule)
    : known_(known),
      candidates_(candidates),
      allowed_prefixes_(allowed_prefixes),
      schedule_(schedule),
      deadline_(schedule.time_allowed()) {
}

Candidate* DaemonSearch::next(UniqueDescriptor& connection) {
  do {
    while (position_ < candidates_.size()) {
      Candidate& candidate = candidates_[position_++];
      if (attempt(candidate, connection)) return &candidate;
    }
  } while (wait_for_next_round());
  return nullptr;
}

bool DaemonSearch::attempt(Candidate& candidate, UniqueDescriptor& connection) {
  if (candidate.attempts > 0 && !candidate.may_be_reached_later()) return false;
  ++candidate.attempts;
  // The path is looked at anew by each attempt: a daemon that was restarted has a new socket under the same name.
  DaemonConnection attempted = connect_to_daemon(known_, candidate.path, allowed_prefixes_);
  candidate.error = attempted.error;
  candidate.problem = attempted.problem;
  if (attempted.problem != PathProblem::kNone) candidate.state = Candidate::State::kNotAllowed;
  if (!attempted.socket) return false;
  candidate.state = Candidate::State::kConnected;
  connection = std::move(attempted.socket);
  return true;
}

bool DaemonSearch::wait_for_next_round() {
  const bool is_worth_it = std::any_of(candidates_.begin(), candidates_.end(),
                                       [](const Candidate& candidate) { return candidate.may_be_reached_later(); });
  if (!is_worth_it || !schedule_.allows_retry(retries_) || deadline_.has_passed()) return false;
  sleep_for(std::min(schedule_.pause_before(retries_), deadline_.remaining()));
  ++retries_;
  position_ = 0;
  return true;
}

}  // namespace socket_handoff
