// SPDX-License-Identifier: Apache-2.0
// UndumpedPool: slots of one size in memory that no core dump contains, for objects that hold secrets.
//
// All threads may use it; a call takes its lock for a few instructions. Slots come in chunks, and a chunk that has
// become empty is given back while another one has room, so that memory shrinks after a peak. Without memory for a
// chunk the process ends, as it does if malloc has none.

#pragma once

#include <cstddef>
#include <mutex>

#include "base/check.h"
#include "base/intrusive_list.h"

namespace streaming {

class UndumpedPool {
 public:
  explicit UndumpedPool(std::size_t slot_bytes);
  UndumpedPool(const UndumpedPool&) = delete;
  UndumpedPool& operator=(const UndumpedPool&) = delete;
  // All slots have been given back.
  ~UndumpedPool();

  // A slot, aligned as by malloc.
  void* take();
  void give_back(void* slot);

 private:
  struct FreeSlot;
  struct Chunk;

  static Chunk& chunk_of(void* slot);
  Chunk& chunk_with_room();

  const std::size_t slot_bytes_;
  std::mutex mutex_;
  IntrusiveList<Chunk> with_room_;  // all other chunks are full
};

// A base of `Object`, whose objects lie in a pool for them alone. It is never destroyed, because an object may be
// destroyed at the process's end.
template <typename Object>
class InUndumpedPool {
 public:
  static void* operator new(std::size_t bytes) {
    CHECK(bytes == sizeof(Object));
    return pool().take();
  }
  static void operator delete(void* object) {
    if (object != nullptr) pool().give_back(object);
  }

 private:
  static UndumpedPool& pool() {
    static UndumpedPool& pool = *new UndumpedPool(sizeof(Object));
    return pool;
  }
};

}  // namespace streaming
