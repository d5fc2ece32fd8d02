// SPDX-License-Identifier: Apache-2.0
#include "answers/user_limits.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <vector>

#include "answers/limits.h"
#include "backends/limits.h"
#include "base/check.h"

namespace streaming {
namespace {

constexpr std::size_t kLeastForgetSize = 1024;
constexpr double kMsPerMinute = 60'000;

}  // namespace

Refusal user_refusal(UserLimit limit, int retry_after_seconds) {
  const int retry_after = std::min(retry_after_seconds, kMaxRetryAfterSeconds);
  switch (limit) {
    case UserLimit::kStreams:
      return Refusal{429, "too many answers at once, try again later", retry_after, {}, Counter::kRefusedUser};
    case UserLimit::kStarts:
      return Refusal{429, "too many answers in a minute, try again later", retry_after, {},
                     Counter::kRefusedUserStarts};
    case UserLimit::kTokens:
      break;
  }
  return Refusal{429, "the budget of tokens is used up, try again later", retry_after, {}, Counter::kRefusedUserTokens};
}

UserLimits::UserLimits(std::int64_t max_streams, std::int64_t starts_per_minute)
    : max_streams_(max_streams), starts_per_minute_(starts_per_minute), forget_at_size_(kLeastForgetSize) {
}

UserLimits::~UserLimits() = default;

void UserLimits::set_limits(std::int64_t max_streams, std::int64_t starts_per_minute) {
  max_streams_ = max_streams;
  starts_per_minute_ = starts_per_minute;
}

void UserLimits::set_token_budget(std::int64_t tokens, Duration window) {
  token_budget_ = tokens;
  token_window_ = window;
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
  if (const Entry refused = token_refusal_of(user, now); refused.refused()) return refused;
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

UserLimits::Entry UserLimits::token_refusal_of(const User& user, Time now) const {
  if (token_budget_ == 0 || user.tokens_ < token_budget_ || user.window_end_ <= now) return {};
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(user.window_end_ - now).count();
  return {.retry_after_seconds = static_cast<int>(seconds), .limit = UserLimit::kTokens};
}

void UserLimits::add_stream(User& user) const {
  ++user.streams_;
  if (starts_per_minute_ > 0) user.starts_left_ -= 1;
}

void UserLimits::leave(User& user, std::uint64_t tokens, Time now) {
  const std::lock_guard lock(mutex_);
  charge(user, tokens, now);
  remove_stream(user);
}

void UserLimits::leave(std::string_view user_id, std::uint64_t tokens, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user_id);
  CHECK(found != users_.end());  // one with streams is not forgotten
  charge(found->second, tokens, now);
  remove_stream(found->second);
}

void UserLimits::charge(User& user, std::uint64_t tokens, Time now) const {
  if (token_budget_ == 0 || tokens == 0) return;
  if (user.window_end_ <= now) {
    user.tokens_ = 0;
    user.window_end_ = now + token_window_.load();
  }
  user.tokens_ = std::min(user.tokens_ + static_cast<std::int64_t>(std::min(tokens, kMaxChargedTokens)),
                          static_cast<std::int64_t>(kMaxChargedTokens));
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

std::int64_t UserLimits::streams() const {
  const std::lock_guard lock(mutex_);
  return std::accumulate(users_.begin(), users_.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& entry) { return sum + entry.second.streams_; });
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
    const bool idle = user.streams_ == 0 && user.starts_left_ >= static_cast<double>(starts_per_minute_) &&
                      (token_budget_ == 0 || user.window_end_ <= now);
    entry = idle ? users_.erase(entry) : std::next(entry);
  }
  if (users_.size() >= kMaxRememberedUsers) forget_frugal();
  const std::size_t size = users_.size();
  forget_at_size_ = std::max({kLeastForgetSize, std::min(2 * size, kMaxRememberedUsers), size * 9 / 8});
}

void UserLimits::forget_frugal() {
  std::vector<std::int64_t> used;
  for (const auto& [id, user] : users_) {
    if (user.streams_ == 0) used.push_back(user.tokens_);
  }
  if (used.empty()) return;
  const auto middle = used.begin() + static_cast<std::ptrdiff_t>(used.size() / 2);
  std::nth_element(used.begin(), middle, used.end());
  std::erase_if(users_, [most = *middle](const auto& entry) {
    return entry.second.streams_ == 0 && entry.second.tokens_ <= most;
  });
}

}  // namespace streaming
