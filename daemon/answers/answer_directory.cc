// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_directory.h"

#include "base/check.h"
#include "handoff/limits.h"

namespace streaming {

static_assert(kMaxAnswerIdBytes <= UINT8_MAX);

AnswerDirectory::Entry::Entry(std::uint32_t worker, std::string_view id, std::string_view user)
    : names_(std::string(id) + std::string(user)), worker_(worker), id_bytes_(static_cast<std::uint8_t>(id.size())) {
  CHECK(!id.empty() && id.size() <= kMaxAnswerIdBytes);
}

std::optional<AnswerDirectory::Found> AnswerDirectory::find(std::string_view id, std::string_view user) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = *found->second;
  return Found{entry.worker_, entry.run_, entry.user().empty() || entry.user() == user};
}

AnswerDirectory::Entry* AnswerDirectory::find_own(std::string_view id, std::uint32_t worker) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() || found->second->worker_ != worker ? nullptr : found->second;
}

bool AnswerDirectory::enter(Entry& entry) {
  const std::lock_guard lock(mutex_);
  if (!entries_.try_emplace(entry.id(), &entry).second) return false;
  entry.run_ = ++last_run_;
  return true;
}

void AnswerDirectory::remove(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(entry.id());
  if (found != entries_.end() && found->second == &entry) entries_.erase(found);
}

std::size_t AnswerDirectory::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace streaming
