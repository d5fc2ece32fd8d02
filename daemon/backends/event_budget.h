// EventBudget: how large an API's events may be, and what those hold together that have not come to their end.
//
// Owned by a backend, on its worker's thread; outlives the sessions that count in it. Small events are not counted: most
// are whole when they come.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace streaming {

class EventBudget {
 public:
  explicit EventBudget(std::int64_t max_event_bytes) : max_event_bytes_(static_cast<std::size_t>(max_event_bytes)) {}

  std::size_t max_event_bytes() const { return max_event_bytes_; }

  // A session's unfinished event has `bytes` now; `counted` is the session's share, 0 at first and to be 0 at its end.
  // False when all together hold too much.
  bool count(std::size_t& counted, std::size_t bytes) {
    const std::size_t share = bytes > kUncountedEventBytes ? bytes : 0;
    held_ = held_ - counted + share;
    counted = share;
    return held_ <= kMaxHeldEventBytes || share == 0;
  }

 private:
  const std::size_t max_event_bytes_;
  std::size_t held_ = 0;
};

}  // namespace streaming
