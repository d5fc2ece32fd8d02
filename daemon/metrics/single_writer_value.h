// SPDX-License-Identifier: Apache-2.0
// SingleWriterValue: a number that one thread writes and any may read. It costs its writer as much as a plain integer:
// no locked instruction, no fence.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace streaming {

class SingleWriterValue {
 public:
  void add(std::uint64_t amount = 1) { set(get() + amount); }
  void raise_to(std::uint64_t value) { set(std::max(get(), value)); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace streaming
