// SPDX-License-Identifier: Apache-2.0
// UserLimits: how many streams a user (the hand-off's user_id) may have at once, how many it may start a minute, and
// how many tokens its answers may use in a window of time, which begins with the first ones.
//
// One per process, as a user's streams are spread over all workers: behind a mutex, which is held for a look-up, twice
// a stream and never with an event, and only where a limit is set. Owned by the Server; outlives the workers.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "handoff/refusal.h"

namespace streaming {

// Which limit of its user refuses a stream.
enum class UserLimit : std::uint8_t { kStreams, kStarts, kTokens };

// After how many seconds a user who has all streams may try again: nobody knows when one of them will end.
inline constexpr int kAllStreamsRetrySeconds = 5;

Refusal user_refusal(UserLimit limit, int retry_after_seconds);

class UserLimits {
 public:
  class User;

  struct Entry {
    User* user = nullptr;         // to leave() with; null when refused, or when nothing limits it
    int retry_after_seconds = 0;  // 0: not refused
    UserLimit limit{};            // if it is refused

    bool refused() const { return retry_after_seconds > 0; }
    Refusal refusal() const { return user_refusal(limit, retry_after_seconds); }
  };

  // 0: no limit.
  UserLimits(std::int64_t max_streams, std::int64_t starts_per_minute);
  ~UserLimits();

  // For the starts to come.
  void set_limits(std::int64_t max_streams, std::int64_t starts_per_minute);

  std::int64_t max_streams() const { return max_streams_; }
  std::int64_t starts_per_minute() const { return starts_per_minute_; }
  // For the starts and the ends to come; 0: no limit.
  void set_token_budget(std::int64_t tokens, Duration window);
  std::int64_t token_budget() const { return token_budget_; }
  Duration token_window() const { return token_window_.load(); }
  // An empty user_id has no limit.
  bool limits(std::string_view user_id) const {
    return !user_id.empty() && (max_streams_ > 0 || starts_per_minute_ > 0 || token_budget_ > 0);
  }

  // Whether enter() would refuse it for its streams or its starts.
  bool would_refuse(std::string_view user_id, Time now);
  // Counts one more stream of the user, or reports when to try again.
  Entry enter(std::string_view user_id, Time now);
  // Counts it in any case. Null if nothing limits it.
  User* count(std::string_view user_id, Time now);
  // `tokens` that its answer has used.
  void leave(User& user, std::uint64_t tokens, Time now);
  // Likewise, for whoever knows the user by its name alone.
  void leave(std::string_view user_id, std::uint64_t tokens, Time now);
  // The stream did not begin: it does not count among the starts either.
  void cancel(User& user);

  // Users that are remembered.
  std::size_t size() const;
  // What is counted of all of them together.
  std::int64_t streams() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  User& find_or_add(std::string_view user_id, Time now);
  Entry refusal_of(const User& user) const;
  Entry token_refusal_of(const User& user, Time now) const;
  void add_stream(User& user) const;
  static void remove_stream(User& user);
  void charge(User& user, std::uint64_t tokens, Time now) const;
  void refill(User& user, Time now) const;
  // Forgets users that nothing limits any more; now and then, so that it costs little for each stream.
  void forget_idle(Time now);
  // Of those that are remembered for their tokens alone, the half that has used least.
  void forget_frugal();

  std::atomic<std::int64_t> max_streams_;
  std::atomic<std::int64_t> starts_per_minute_;
  std::atomic<std::int64_t> token_budget_{0};
  std::atomic<Duration> token_window_{Duration(0)};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, User, Hash, std::equal_to<>> users_;
  std::size_t forget_at_size_;
};

class UserLimits::User {
 public:
  std::string_view id() const { return *id_; }

 private:
  friend class UserLimits;

  const std::string* id_ = nullptr;  // its key
  std::int64_t streams_ = 0;
  double starts_left_ = 0;  // of the token bucket
  Time refilled_{};
  std::int64_t tokens_ = 0;  // used since the window's beginning
  Time window_end_{};
};

}  // namespace streaming
