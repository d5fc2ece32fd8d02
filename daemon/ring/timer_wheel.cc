// SPDX-License-Identifier: Apache-2.0
#include "ring/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "ring/limits.h"

namespace streaming {
namespace {

std::uint64_t tick_of(Time time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

bool TimerWheel::begin_turn(Time clock) {
  const Time now = clock - stood_still_;
  if (now - now_ <= kLateTurn) {
    set_now(now);
    return false;
  }
  // Without a timer nothing was due, and nobody's time runs.
  const Time due = std::max(next_expiry().value_or(now), now_);
  const Duration late = std::max(now - due - kLateTurn, Duration(0));
  stood_still_ += late;
  set_now(now - late);
  return late > Duration(0);
}

void TimerWheel::schedule_at(Timer& timer, Time expiry) {
  timer.stop();
  timer.expiry_ = expiry;
  if (expiry <= now_) {
    due_.push_back(timer);
  } else {
    place(timer);
  }
}

// A timer goes to the lowest level on which its slot is less than a round ahead. So above the lowest level the slot that
// holds the next tick is empty, but for the moment before the tick that begins it.
void TimerWheel::place(Timer& timer) {
  constexpr std::uint64_t kFarthest = (kSlots - 1) << ((kLevels - 1) * kSlotBits);
  const std::uint64_t next = tick_of(expired_to_) + 1;
  const std::uint64_t tick = std::clamp(tick_of(timer.expiry_), next, next + kFarthest);
  int level = 0;
  while ((tick >> (level * kSlotBits)) - (next >> (level * kSlotBits)) >= kSlots) ++level;
  const std::uint64_t slot = slot_of(tick, level);
  levels_[level].slots[slot].push_back(timer);
  levels_[level].occupied[slot / kWordBits] |= std::uint64_t{1} << slot % kWordBits;
}

IntrusiveList<Timer>& TimerWheel::take_slot(int level, std::uint64_t slot) {
  levels_[level].occupied[slot / kWordBits] &= ~(std::uint64_t{1} << slot % kWordBits);
  return levels_[level].slots[slot];
}

// Spreads the slots of the upper levels that begin at `tick` over the levels below, the highest first.
void TimerWheel::cascade(std::uint64_t tick) {
  int level = 0;
  while (level < kLevels - 1 && slot_of(tick, level) == 0) ++level;
  for (; level > 0; --level) {
    IntrusiveList<Timer> timers;
    timers.splice_back(take_slot(level, slot_of(tick, level)));
    while (Timer* timer = timers.pop_front()) place(*timer);
  }
}

void TimerWheel::expire() {
  IntrusiveList<Timer> due;
  due.splice_back(due_);
  for (std::optional<Time> next = next_in_levels(); next && *next <= now_; next = next_in_levels()) {
    expired_to_ = *next - Duration(1);
    cascade(tick_of(*next));
    due.splice_back(take_slot(0, slot_of(tick_of(*next), 0)));
    expired_to_ = *next;
  }
  expired_to_ = now_;
  soon_.do_present();
  for (std::uint32_t left = kTimersATurn; left > 0; --left) {
    Timer* const timer = due.pop_front();
    if (timer == nullptr) return;
    // With many streams each timer is in memory that nobody has touched for long: have the next one fetched meanwhile.
    if (const Timer* next = due.front()) __builtin_prefetch(next);
    CHECK(timer->expiry_ <= now_);
    timer->owner_.on_timer(*timer);
  }
  due.splice_back(due_);
  due_.splice_back(due);
}

std::optional<Time> TimerWheel::next_expiry() {
  if (!due_.empty() || !soon_.empty() || !at_turn_end_.empty()) return now_;
  return next_in_levels();
}

std::uint64_t TimerWheel::Level::distance_from(std::uint64_t slot) {
  std::uint64_t distance = 0;
  while (distance < kSlots) {
    const std::uint64_t candidate = (slot + distance) % kSlots;
    std::uint64_t& word = occupied[candidate / kWordBits];
    const std::uint64_t left = word >> candidate % kWordBits;
    if (left == 0) {
      distance += kWordBits - candidate % kWordBits;
      continue;
    }
    distance += static_cast<std::uint64_t>(std::countr_zero(left));
    const std::uint64_t found = (slot + distance) % kSlots;
    if (distance >= kSlots || !slots[found].empty()) break;
    word &= ~(std::uint64_t{1} << found % kWordBits);
  }
  return std::min(distance, kSlots);
}

std::optional<Time> TimerWheel::next_in_levels() {
  const std::uint64_t next = tick_of(expired_to_) + 1;
  std::optional<std::uint64_t> earliest;
  for (int level = 0; level < kLevels; ++level) {
    const std::uint64_t position = next >> (level * kSlotBits);
    const std::uint64_t distance = levels_[level].distance_from(position % kSlots);
    if (distance == kSlots) continue;
    const std::uint64_t tick = std::max((position + distance) << (level * kSlotBits), next);
    if (!earliest || tick < *earliest) earliest = tick;
  }
  if (!earliest) return std::nullopt;
  return Time(Duration(*earliest));
}

}  // namespace streaming
