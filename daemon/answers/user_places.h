// SPDX-License-Identifier: Apache-2.0
// UserPlaces: the streams of a worker among those of their users. Counts them in the process (UserLimits) and, with
// limits.shared, in the store (SharedUsers).
//
// One per worker, owned by it, on its thread.

#pragma once

#include <cstdint>
#include <string_view>

#include "answers/user_limits.h"
#include "base/clock.h"

namespace streaming {

class SharedUsers;

class UserPlaces {
 public:
  // Borrows it.
  explicit UserPlaces(UserLimits& limits) : limits_(limits) {}

  // Who counts users over all hosts; outlives it. Before there is a stream.
  void set_shared(SharedUsers& shared) { shared_ = &shared; }

  // As those of UserLimits. What the store has let in is not refused.
  UserLimits::Entry enter(std::string_view user_id, Time now);
  void leave(UserLimits::User& user, std::uint64_t tokens, Time now);
  void leave(std::string_view user_id, std::uint64_t tokens, Time now);
  void cancel(UserLimits::User& user);

 private:
  UserLimits& limits_;
  SharedUsers* shared_ = nullptr;  // null: each host counts by itself
};

}  // namespace streaming
