// SPDX-License-Identifier: Apache-2.0
// EventBudget: how large one event of an API may be, and how much all unfinished events may hold together.
//
// Owned by a backend, on its worker's thread; outlives the sessions that count in it. Small events are not counted,
// because most are complete when they arrive.

#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/limits.h"
#include "base/byte_budget.h"

namespace streaming {

class EventBudget {
 public:
  explicit EventBudget(std::int64_t max_event_bytes) : max_event_bytes_(static_cast<std::size_t>(max_event_bytes)) {}

  std::size_t max_event_bytes() const { return max_event_bytes_; }

  // For one session's unfinished event.
  HeldBytes share() { return HeldBytes(held_); }

  // The event with that share has `bytes` now. False if it has grown and all together hold too much.
  static bool count(HeldBytes& share, std::size_t bytes) { return share.set(bytes > kUncountedEventBytes ? bytes : 0); }

 private:
  const std::size_t max_event_bytes_;
  ByteBudget held_{kMaxHeldEventBytes};
};

}  // namespace streaming
