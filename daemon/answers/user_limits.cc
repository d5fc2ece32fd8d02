// SPDX-License-Identifier: Apache-2.0
#include "answers/user_limits.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/check.h"

namespace streaming {
namespace {

constexpr std::size_t kLeastForgetSize = 1024;
constexpr double kMsPerMinute = 60'000;

}  // namespace

Refusal user_refusal(UserLimit limit, int retry_after_seconds) {
  const bool streams = limit == UserLimit::kStreams;
  return Refusal{429, streams ? "too many answers at once, try again later" : "too many answers in a minute, try again later",
                 retry_after_seconds, {}, streams ? Counter::kRefusedUser : Counter::kRefusedUserStarts};
}

UserLimits::UserLimits(std::int64_t max_streams, std::int64_t starts_per_minute)
    : max_streams_(max_streams), starts_per_minute_(starts_per_minute), forget_at_size_(kLeastForgetSize) {
}

UserLimits::~UserLimits() = default;

void UserLimits::set_limits(std::int64_t max_streams, std::int64_t starts_per_minute) {
  max_streams_ = max_streams;
  starts_per_minute_ = starts_per_minute;
}

bool UserLimits::would_refuse(std::string_view user_id, Time now) {
  if (!limits(user_id)) return false;
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user_id);
  if (found == users_.end()) return false;
  refill(found->second, now);
  return refusal_of(found->second).refused();
}

UserLimits::Entry UserLimits::enter(std::string_view user_id, Time now) {
  if (!limits(user_id)) return {};
  const std::lock_guard lock(mutex_);
  User& user = find_or_add(user_id, now);
  if (const Entry refused = refusal_of(user); refused.refused()) return refused;
  add_stream(user);
  return {.user = &user};
}

UserLimits::User* UserLimits::count(std::string_view user_id, Time now) {
  if (!limits(user_id)) return nullptr;
  const std::lock_guard lock(mutex_);
  User& user = find_or_add(user_id, now);
  add_stream(user);
  return &user;
}

UserLimits::User& UserLimits::find_or_add(std::string_view user_id, Time now) {
  auto found = users_.find(user_id);
  if (found == users_.end()) {
    if (users_.size() >= forget_at_size_) forget_idle(now);
    found = users_.emplace(user_id, User{}).first;
    found->second.id_ = &found->first;
    found->second.starts_left_ = static_cast<double>(starts_per_minute_);
    found->second.refilled_ = now;
  }
  refill(found->second, now);
  return found->second;
}

UserLimits::Entry UserLimits::refusal_of(const User& user) const {
  if (max_streams_ > 0 && user.streams_ >= max_streams_) {
    return {.retry_after_seconds = kAllStreamsRetrySeconds, .limit = UserLimit::kStreams};
  }
  if (starts_per_minute_ > 0 && user.starts_left_ < 1) {
    const double missing_ms = (1 - user.starts_left_) * kMsPerMinute / static_cast<double>(starts_per_minute_);
    return {.retry_after_seconds = std::max(1, static_cast<int>(std::ceil(missing_ms / 1000))),
            .limit = UserLimit::kStarts};
  }
  return {};
}

void UserLimits::add_stream(User& user) const {
  ++user.streams_;
  if (starts_per_minute_ > 0) user.starts_left_ -= 1;
}

void UserLimits::leave(User& user) {
  const std::lock_guard lock(mutex_);
  remove_stream(user);
}

void UserLimits::leave(std::string_view user_id) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user_id);
  CHECK(found != users_.end());  // one with streams is not forgotten
  remove_stream(found->second);
}

void UserLimits::cancel(User& user) {
  const std::lock_guard lock(mutex_);
  remove_stream(user);
  user.starts_left_ = std::min(static_cast<double>(starts_per_minute_), user.starts_left_ + 1);
}

void UserLimits::remove_stream(User& user) {
  CHECK(user.streams_ > 0);
  --user.streams_;
}

std::size_t UserLimits::size() const {
  const std::lock_guard lock(mutex_);
  return users_.size();
}

void UserLimits::refill(User& user, Time now) const {
  const auto elapsed_ms = static_cast<double>(std::max(now - user.refilled_, Duration(0)).count());
  const auto most = static_cast<double>(starts_per_minute_);
  user.starts_left_ = std::min(most, user.starts_left_ + elapsed_ms * most / kMsPerMinute);
  user.refilled_ = std::max(user.refilled_, now);
}

void UserLimits::forget_idle(Time now) {
  for (auto entry = users_.begin(); entry != users_.end();) {
    User& user = entry->second;
    refill(user, now);
    const bool idle = user.streams_ == 0 && user.starts_left_ >= static_cast<double>(starts_per_minute_);
    entry = idle ? users_.erase(entry) : std::next(entry);
  }
  forget_at_size_ = std::max(kLeastForgetSize, 2 * users_.size());
}

}  // namespace streaming
