// SPDX-License-Identifier: Apache-2.0
#include "answers/user_limits.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/check.h"

namespace streaming {
namespace {

constexpr std::size_t kLeastForgetSize = 1024;
constexpr int kFullRetrySeconds = 5;  // when one of the user's streams will end, nobody knows
constexpr double kMsPerMinute = 60'000;

}  // namespace

UserLimits::UserLimits(std::int64_t max_streams, std::int64_t starts_per_minute)
    : max_streams_(max_streams), starts_per_minute_(starts_per_minute), forget_at_size_(kLeastForgetSize) {
}

UserLimits::~UserLimits() = default;

void UserLimits::set_limits(std::int64_t max_streams, std::int64_t starts_per_minute) {
  max_streams_ = max_streams;
  starts_per_minute_ = starts_per_minute;
}

UserLimits::Entry UserLimits::enter(std::string_view user_id, Time now) {
  if (user_id.empty() || (max_streams_ == 0 && starts_per_minute_ == 0)) return {};
  const std::lock_guard lock(mutex_);
  auto found = users_.find(user_id);
  if (found == users_.end()) {
    if (users_.size() >= forget_at_size_) forget_idle(now);
    found = users_.emplace(user_id, User{}).first;
    found->second.starts_left_ = static_cast<double>(starts_per_minute_);
    found->second.refilled_ = now;
  }
  User& user = found->second;
  refill(user, now);
  if (max_streams_ > 0 && user.streams_ >= max_streams_) return {nullptr, kFullRetrySeconds};
  if (starts_per_minute_ > 0 && user.starts_left_ < 1) {
    const double missing_ms = (1 - user.starts_left_) * kMsPerMinute / static_cast<double>(starts_per_minute_);
    return {nullptr, std::max(1, static_cast<int>(std::ceil(missing_ms / 1000)))};
  }
  ++user.streams_;
  if (starts_per_minute_ > 0) user.starts_left_ -= 1;
  return {&user, 0};
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
