// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/scheduler.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace streaming::simulation {

bool Scheduler::is_later(const Entry& left, const Entry& right) {
  return std::tie(left.due_ns, left.order, left.number) > std::tie(right.due_ns, right.order, right.number);
}

void Scheduler::after_ns(std::int64_t delay_ns, std::function<void()> work) {
  CHECK(delay_ns >= 0);
  heap_.push_back({now_ns_ + delay_ns, random_.next(), next_number_++, std::move(work)});
  std::push_heap(heap_.begin(), heap_.end(), &Scheduler::is_later);
}

void Scheduler::do_next() {
  std::pop_heap(heap_.begin(), heap_.end(), &Scheduler::is_later);
  const Entry next = std::move(heap_.back());
  heap_.pop_back();
  now_ns_ = next.due_ns;
  next.work();
}

}  // namespace streaming::simulation
