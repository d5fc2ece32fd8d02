// SPDX-License-Identifier: Apache-2.0
// Tally: the counts and measurements of one generator process.
//
// In memory that the processes share: only its generator writes it; the parent reads it while the generator runs, and
// merges it afterwards. Zero means empty.

#pragma once

#include <atomic>
#include <cstdint>

#include "bench/histogram.h"

namespace streaming::bench {

// Atomic, because the parent reads it while the generator counts. With one writer it needs no locked instruction.
class Count {
 public:
  void add(std::int64_t amount = 1) { value_.store(get() + amount, std::memory_order_relaxed); }
  std::int64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// The reasons why streams fail: names and meanings of "errors" in the JSON.
enum class Failure : std::uint8_t { kConnect, kSend, kReceive, kTimeout, kRejected, kCount };

inline constexpr std::size_t kFailures = static_cast<std::size_t>(Failure::kCount);
inline constexpr const char* kFailureNames[kFailures] = {"connect", "send", "receive", "timeout", "rejected"};

struct Tally {
  Count started;
  Count completed;
  Count open;
  Count events;
  Count bytes;
  Count failures[kFailures];
  Histogram handoff_ns;
  Histogram ttfb_ns;
  Histogram duration_ns;
  Histogram leave_ns;  // from a client's leaving until the daemon closes

  Count& failed(Failure failure) { return failures[static_cast<std::size_t>(failure)]; }
  std::int64_t failed() const {
    std::int64_t sum = 0;
    for (const Count& count : failures) sum += count.get();
    return sum;
  }

  // Of those that have started; 0 if none has.
  double completed_percent() const {
    return started.get() == 0 ? 0 : 100.0 * static_cast<double>(completed.get()) / static_cast<double>(started.get());
  }

  Tally& operator+=(const Tally& other) {
    started.add(other.started.get());
    completed.add(other.completed.get());
    open.add(other.open.get());
    events.add(other.events.get());
    bytes.add(other.bytes.get());
    for (std::size_t i = 0; i < kFailures; ++i) failures[i].add(other.failures[i].get());
    handoff_ns += other.handoff_ns;
    ttfb_ns += other.ttfb_ns;
    duration_ns += other.duration_ns;
    leave_ns += other.leave_ns;
    return *this;
  }
};

}  // namespace streaming::bench
