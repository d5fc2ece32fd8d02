// SPDX-License-Identifier: Apache-2.0
// Scheduler: the clock of a simulated world, and all that is to happen in it. The clock moves only from one such moment to
// the next.
//
// One per World, on its thread.

#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "simulation/peer.h"
#include "simulation/random.h"

namespace streaming::simulation {

inline constexpr std::int64_t kUs = 1000;
inline constexpr std::int64_t kMs = 1'000'000;

class Scheduler final : public Schedule {
 public:
  // Half a day after the system's start: a clock near 0 would hide subtractions that go below it.
  static constexpr std::int64_t kStartNs = 43'200'000'000'000;

  explicit Scheduler(Random random) : random_(random) {}

  std::int64_t now_ns() const { return now_ns_; }
  Time now() const override { return Time(Duration(now_ns_ / 1'000'000)); }
  void after(Duration delay, std::function<void()> work) override {
    after_ns(delay.count() * 1'000'000, std::move(work));
  }
  void after_ns(std::int64_t delay_ns, std::function<void()> work);

  bool empty() const { return heap_.empty(); }
  // When the next work is due; only if there is one.
  std::int64_t next_ns() const { return heap_.front().due_ns; }
  // Moves the clock to the next work's moment and does it.
  void do_next();

 private:
  struct Entry {
    std::int64_t due_ns;
    std::uint64_t order;  // among works of one moment: drawn
    std::uint64_t number;
    std::function<void()> work;
  };
  static bool is_later(const Entry& left, const Entry& right);

  Random random_;
  std::int64_t now_ns_ = kStartNs;
  std::uint64_t next_number_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace streaming::simulation
