// When to try again to reach the daemon: the pauses double and together fill the time allowed, so that a full backlog
// is tried again soon and a daemon that is being restarted still gets its whole chance. Pure.

#pragma once

#include <chrono>

namespace socket_handoff {

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

}  // namespace socket_handoff
