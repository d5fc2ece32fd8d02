// SPDX-License-Identifier: Apache-2.0
#include "base/undumped_pool.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/undumped_memory.h"

namespace streaming {
namespace {

// A chunk begins at a multiple of this, so that a slot's address leads to its chunk.
constexpr std::size_t kChunkBytes = 64 * 1024;

constexpr std::size_t kAlignment = alignof(std::max_align_t);

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

struct UndumpedPool::FreeSlot {
  FreeSlot* next;
};

// At the beginning of its own memory; the slots follow.
struct UndumpedPool::Chunk : ListNode {
  explicit Chunk(UndumpedMemory owned) : memory(std::move(owned)) {}

  UndumpedMemory memory;
  FreeSlot* free = nullptr;                // slots that were given back
  std::size_t begun = aligned(sizeof *this);  // from here on there are slots that nobody has taken yet
  std::size_t used = 0;
};

UndumpedPool::UndumpedPool(std::size_t slot_bytes) : slot_bytes_(aligned(std::max(slot_bytes, sizeof(FreeSlot)))) {
  CHECK(slot_bytes_ <= kChunkBytes - aligned(sizeof(Chunk)));
}

UndumpedPool::~UndumpedPool() {
  while (Chunk* chunk = with_room_.pop_front()) {
    CHECK(chunk->used == 0);
    const UndumpedMemory memory = std::move(chunk->memory);
    chunk->~Chunk();
  }
}

UndumpedPool::Chunk& UndumpedPool::chunk_of(void* slot) {
  const auto address = reinterpret_cast<std::uintptr_t>(slot);
  return *std::launder(reinterpret_cast<Chunk*>(address / kChunkBytes * kChunkBytes));
}

UndumpedPool::Chunk& UndumpedPool::chunk_with_room() {
  if (Chunk* chunk = with_room_.front()) return *chunk;
  // Twice as much has an aligned chunk in it, and what is not written to takes no RAM.
  Result<UndumpedMemory> memory = UndumpedMemory::map(2 * kChunkBytes);
  CHECK(memory.ok());
  void* begin = memory->data();
  std::size_t bytes = 2 * kChunkBytes;
  begin = std::align(kChunkBytes, kChunkBytes, begin, bytes);
  Chunk* chunk = new (begin) Chunk(std::move(*memory));
  with_room_.push_back(*chunk);
  return *chunk;
}

void* UndumpedPool::take() {
  const std::lock_guard lock(mutex_);
  Chunk& chunk = chunk_with_room();
  ++chunk.used;
  void* slot = chunk.free;
  if (slot != nullptr) {
    chunk.free = chunk.free->next;
  } else {
    slot = reinterpret_cast<char*>(&chunk) + chunk.begun;
    chunk.begun += slot_bytes_;
  }
  if (chunk.free == nullptr && chunk.begun + slot_bytes_ > kChunkBytes) chunk.unlink();
  return slot;
}

void UndumpedPool::give_back(void* slot) {
  const std::lock_guard lock(mutex_);
  Chunk& chunk = chunk_of(slot);
  CHECK(chunk.used > 0);
  chunk.free = new (slot) FreeSlot{chunk.free};
  --chunk.used;
  chunk.unlink();
  if (chunk.used == 0 && !with_room_.empty()) {
    const UndumpedMemory memory = std::move(chunk.memory);
    chunk.~Chunk();
    return;
  }
  with_room_.push_back(chunk);
}

}  // namespace streaming
