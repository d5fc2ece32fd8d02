// SPDX-License-Identifier: Apache-2.0
#include "answers/user_places.h"

#include "answers/shared_users.h"

namespace streaming {

UserLimits::Entry UserPlaces::enter(std::string_view user_id, Time now) {
  if (shared_ == nullptr) return limits_.enter(user_id, now);
  const UserLimits::Entry entry =
      shared_->lets_in(user_id) ? UserLimits::Entry{.user = limits_.count(user_id, now)} : limits_.enter(user_id, now);
  if (entry.user != nullptr) shared_->enter(user_id);
  return entry;
}

// The process forgets the user last, because the other one needs its name.
void UserPlaces::leave(UserLimits::User& user, std::uint64_t tokens, Time now) {
  if (shared_ != nullptr) shared_->leave(user.id(), tokens);
  limits_.leave(user, tokens, now);
}

void UserPlaces::leave(std::string_view user_id, std::uint64_t tokens, Time now) {
  if (shared_ != nullptr) shared_->leave(user_id, tokens);
  limits_.leave(user_id, tokens, now);
}

void UserPlaces::cancel(UserLimits::User& user) {
  if (shared_ != nullptr) shared_->leave(user.id(), 0);
  limits_.cancel(user);
}

}  // namespace streaming
