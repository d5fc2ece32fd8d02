// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_directory.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "base/check.h"
#include "handoff/limits.h"

namespace streaming {

static_assert(kMaxAnswerIdBytes <= UINT8_MAX);

namespace {

constexpr std::size_t kFewestSlots = 8;

std::size_t hash_of(std::string_view id) {
  return std::hash<std::string_view>{}(id);
}

}  // namespace

AnswerDirectory::Entry::Entry(std::uint32_t worker, const char* names, std::size_t id_bytes, std::size_t user_bytes)
    : worker_(worker),
      names_offset_(static_cast<std::uint16_t>(names - reinterpret_cast<const char*>(this))),
      user_bytes_(static_cast<std::uint16_t>(user_bytes)),
      id_bytes_(static_cast<std::uint8_t>(id_bytes)) {
  CHECK(this->names() == names && worker_ == worker && user_bytes_ == user_bytes);
  CHECK(id_bytes > 0 && id_bytes <= kMaxAnswerIdBytes);
}

std::optional<AnswerDirectory::Found> AnswerDirectory::find(std::string_view id, std::string_view user) const {
  const Part& part = part_of(id);
  const std::lock_guard lock(part.mutex);
  const Entry* entry = part.find(id);
  if (entry == nullptr) return std::nullopt;
  return Found{static_cast<std::uint32_t>(entry->worker_), entry->run_, entry->user().empty() || entry->user() == user};
}

AnswerDirectory::Entry* AnswerDirectory::find_own(std::string_view id, std::uint32_t worker) const {
  const Part& part = part_of(id);
  const std::lock_guard lock(part.mutex);
  Entry* entry = part.find(id);
  return entry == nullptr || entry->worker_ != worker ? nullptr : entry;
}

bool AnswerDirectory::enter(Entry& entry) {
  Part& part = part_of(entry.id());
  const std::lock_guard lock(part.mutex);
  if (part.find(entry.id()) != nullptr) return false;
  if (4 * (part.used + 1) > 3 * part.slots.size()) part.resize(std::max(kFewestSlots, 2 * part.slots.size()));
  part.slots[part.slot_of(entry.id())] = &entry;
  ++part.used;
  entry.run_ = ++part.last_run;
  return true;
}

void AnswerDirectory::remove(const Entry& entry) {
  Part& part = part_of(entry.id());
  const std::lock_guard lock(part.mutex);
  if (part.find(entry.id()) != &entry) return;
  part.free_slot(part.slot_of(entry.id()));
  --part.used;
  if (part.slots.size() > kFewestSlots && 6 * part.used < part.slots.size()) part.resize(part.slots.size() / 2);
}

std::size_t AnswerDirectory::size() const {
  std::size_t size = 0;
  for (const Part& part : parts_) {
    const std::lock_guard lock(part.mutex);
    size += part.used;
  }
  return size;
}

// --- A part ---------------------------------------------------------------------------------------------------------

std::size_t AnswerDirectory::part_index(std::string_view id) {
  return hash_of(id) >> (std::numeric_limits<std::size_t>::digits - kPartBits);
}

std::size_t AnswerDirectory::Part::home_of(std::string_view id) const {
  return hash_of(id) & (slots.size() - 1);
}

std::size_t AnswerDirectory::Part::slot_of(std::string_view id) const {
  std::size_t slot = home_of(id);
  while (slots[slot] != nullptr && slots[slot]->id() != id) slot = behind(slot);
  return slot;
}

// What a search would pass over the freed slot to reach moves up to it.
void AnswerDirectory::Part::free_slot(std::size_t slot) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t next = behind(slot); slots[next] != nullptr; next = behind(next)) {
    const std::size_t home = home_of(slots[next]->id());
    if (((next - home) & mask) >= ((next - slot) & mask)) slots[std::exchange(slot, next)] = slots[next];
  }
  slots[slot] = nullptr;
}

void AnswerDirectory::Part::resize(std::size_t size) {
  const std::vector<Entry*> before = std::exchange(slots, std::vector<Entry*>(size));
  for (Entry* entry : before) {
    if (entry != nullptr) slots[slot_of(entry->id())] = entry;
  }
}

}  // namespace streaming
