// SPDX-License-Identifier: Apache-2.0
// Slab<T>: objects in numbered slots, at addresses that never change, so that the kernel can refer to them.
//
// A slot's Handle is its index and a generation that changes with each owner. find() returns null for a former owner's
// handle: that is how a late completion is recognized. Slots are allocated in chunks, and the lowest free slot is used
// first. A chunk that becomes empty is freed if another one has room, so that memory shrinks after a peak. One thread.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"

namespace streaming {

struct Handle {
  static constexpr std::uint32_t kGenerationBits = 24;

  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // below 2^kGenerationBits, so that it fits into a Tag

  bool operator==(const Handle&) const = default;
};

// The limit of a slab whose objects something else bounds.
inline constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();

template <typename T>
class Slab {
 public:
  static constexpr std::uint32_t kChunkSlots = 64;  // one bit each in Chunk::used

  explicit Slab(std::uint32_t limit) : limit_(limit) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for_each([this](T& object, Handle handle) { destroy(object, handle); });
  }

  std::uint32_t size() const { return size_; }
  std::uint32_t limit() const { return limit_; }

  // Constructs T(handle, arguments...) in the lowest free slot; null when the limit is reached.
  template <typename... Arguments>
  T* create(Arguments&&... arguments) {
    if (size_ == limit_) return nullptr;
    const std::uint32_t index = lowest_free_slot();
    if (index >= limit_) return nullptr;
    if (generations_.size() <= index) generations_.resize(index + 1, 0);
    Chunk& chunk = *chunks_[index / kChunkSlots];
    chunk.used |= bit_of(index);
    ++size_;
    const Handle handle{index, generations_[index]};
    return new (chunk.slot(index)) T(handle, std::forward<Arguments>(arguments)...);
  }

  // The object with this handle; null if it is gone.
  T* find(Handle handle) {
    if (handle.index >= generations_.size() || generations_[handle.index] != handle.generation) return nullptr;
    Chunk* chunk = chunks_[handle.index / kChunkSlots].get();
    if (chunk == nullptr || (chunk->used & bit_of(handle.index)) == 0) return nullptr;
    return chunk->object(handle.index);
  }

  // Destroys `object`, whose handle is `handle`, and frees its slot.
  void destroy(T& object, Handle handle) {
    CHECK(find(handle) == &object);
    object.~T();
    generations_[handle.index] = (handle.generation + 1) & ((1u << Handle::kGenerationBits) - 1);
    const std::uint32_t chunk_index = handle.index / kChunkSlots;
    chunks_[chunk_index]->used &= ~bit_of(handle.index);
    --size_;
    if (chunk_index < first_with_room_) first_with_room_ = chunk_index;
    if (chunks_[chunk_index]->used == 0) release_spare(chunk_index);
  }

  // Calls function(T&, Handle) for each object; the function may destroy that object and no other.
  template <typename Function>
  void for_each(Function&& function) {
    for (std::uint32_t chunk_index = 0; chunk_index < chunks_.size(); ++chunk_index) {
      std::uint64_t used = chunks_[chunk_index] ? chunks_[chunk_index]->used : 0;
      for (; used != 0; used &= used - 1) {
        const std::uint32_t index = chunk_index * kChunkSlots + static_cast<std::uint32_t>(std::countr_zero(used));
        function(*chunks_[chunk_index]->object(index), Handle{index, generations_[index]});
      }
    }
  }

 private:
  static constexpr std::size_t kCacheLine = 64;

  struct Chunk {
    std::uint64_t used = 0;
    // Aligned so that a slot whose size is whole cache lines shares none of them.
    alignas(std::max(alignof(T), kCacheLine)) std::byte storage[kChunkSlots * sizeof(T)];

    void* slot(std::uint32_t index) { return storage + (index % kChunkSlots) * sizeof(T); }
    T* object(std::uint32_t index) { return std::launder(static_cast<T*>(slot(index))); }
  };

  static std::uint64_t bit_of(std::uint32_t index) { return std::uint64_t{1} << (index % kChunkSlots); }

  std::uint32_t lowest_free_slot() {
    for (;; ++first_with_room_) {
      if (first_with_room_ == chunks_.size()) chunks_.emplace_back();
      std::unique_ptr<Chunk>& chunk = chunks_[first_with_room_];
      // Not make_unique, which would zero the storage.
      if (!chunk) chunk.reset(new Chunk);
      if (~chunk->used == 0) continue;
      return first_with_room_ * kChunkSlots + static_cast<std::uint32_t>(std::countr_one(chunk->used));
    }
  }

  // Keeps one empty chunk, so that a single object that comes and goes does not allocate each time.
  void release_spare(std::uint32_t emptied) {
    if (spare_ == kNoChunk || spare_ == emptied || !chunks_[spare_] || chunks_[spare_]->used != 0) {
      spare_ = emptied;
      return;
    }
    chunks_[spare_ > emptied ? spare_ : emptied].reset();
    if (spare_ > emptied) spare_ = emptied;
  }

  static constexpr std::uint32_t kNoChunk = ~std::uint32_t{0};

  std::uint32_t limit_;
  std::uint32_t size_ = 0;
  std::uint32_t first_with_room_ = 0;  // no chunk before it has a free slot
  std::uint32_t spare_ = kNoChunk;     // the chunk that was emptied last and is kept
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> generations_;  // of each slot that was ever used; kept when its chunk is freed
};

}  // namespace streaming
