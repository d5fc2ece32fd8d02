// SPDX-License-Identifier: Apache-2.0
// ByteBudget: a limit on the memory of many holders together, and the amount in use. HeldBytes: the share of one
// holder.
//
// All threads may use a budget, which outlives its shares. A share is a member next to the memory that it counts and
// lives as long: its destructor returns it to the budget, so no path can forget that. A change of a share costs one
// atomic addition.

#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace streaming {

// On a separate cache line, because several workers write it.
class alignas(64) ByteBudget {
 public:
  explicit ByteBudget(std::size_t most_bytes) : most_(most_bytes) {}

  // Applies to shares that grow from now on.
  void set_most(std::size_t bytes) { most_.store(bytes, std::memory_order_relaxed); }
  std::size_t most() const { return most_.load(std::memory_order_relaxed); }
  std::size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  friend class HeldBytes;

  bool add(std::size_t bytes) { return held_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most(); }
  void remove(std::size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::atomic<std::size_t> held_{0};
  std::atomic<std::size_t> most_;
};

class HeldBytes {
 public:
  // Belongs to no budget and is never refused.
  HeldBytes() = default;
  explicit HeldBytes(ByteBudget& budget) : budget_(&budget) {}
  // A copy counts the same amount again.
  HeldBytes(const HeldBytes& other) : HeldBytes(other.another(other.bytes_)) {}
  HeldBytes(HeldBytes&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  HeldBytes& operator=(HeldBytes other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HeldBytes() { set(0); }

  // Changes the share to `bytes`. False if it has grown and all shares together exceed the budget. It counts
  // nevertheless, until the holder has freed its memory.
  bool set(std::size_t bytes) {
    const std::size_t before = std::exchange(bytes_, bytes);
    if (budget_ == nullptr || bytes == before) return true;
    if (bytes > before) return budget_->add(bytes - before);
    budget_->remove(before - bytes);
    return true;
  }
  // A new share of the same budget, for memory that is made from this one's. It is never refused.
  HeldBytes another(std::size_t bytes) const {
    HeldBytes made;
    made.budget_ = budget_;
    made.set(bytes);
    return made;
  }

 private:
  ByteBudget* budget_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace streaming
